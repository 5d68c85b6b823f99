/** The sheet's style: large type for a phone, plain on paper. */
export const sheetStyle = `
:root{color-scheme:light;--ink:#14181f;--soft:#4a5361;--rule:#d5d9e0;--ground:#f4f5f7;--bad:#a01217;--bad-ground:#fdeceb}
*{box-sizing:border-box}
html{-webkit-text-size-adjust:100%}
body{margin:0;background:var(--ground);color:var(--ink);font:17px/1.5 system-ui,-apple-system,"Segoe UI",Roboto,"Noto Sans","Liberation Sans",sans-serif;font-variant-numeric:tabular-nums;overflow-wrap:anywhere}
main{max-width:860px;margin:0 auto;padding:20px 28px 40px;background:#fff}
h1{font-size:1rem;font-weight:600;color:var(--soft);margin:0}
.id{font:600 1rem/1.4 ui-monospace,Menlo,Consolas,"DejaVu Sans Mono",monospace;margin:.2em 0 0}
.charge{font-size:1.45rem;line-height:1.3;font-weight:680;margin:.5em 0;letter-spacing:-.01em}
.warning{border-left:6px solid var(--bad);background:var(--bad-ground);color:var(--bad);font-weight:650;padding:.6em .8em;margin:.7em 0}
h2{font-size:1.2rem;line-height:1.25;margin:1.7em 0 .4em;padding-top:.5em;border-top:2px solid var(--ink);break-after:avoid}
p{margin:.4em 0}
.note{color:var(--soft);font-size:.92rem}
dl{margin:0}
dl div{display:grid;grid-template-columns:minmax(0,15em) minmax(0,1fr);gap:0 1em;padding:.28em 0;border-bottom:1px solid var(--rule);break-inside:avoid}
dt{color:var(--soft)}
dd{margin:0;font-weight:560}
figure{margin:0 0 1.1em;break-inside:avoid}
figure img{display:block;max-width:100%;max-height:22cm;height:auto;border:1px solid var(--rule)}
figure .enlarged{image-rendering:pixelated}
figcaption{font-size:.92rem;color:var(--soft);margin-top:.25em}
.sealed{border:2px dashed var(--rule);padding:1.1em .9em;margin:0;color:var(--soft)}
.item{padding:.5em 0;border-bottom:1px solid var(--rule);break-inside:avoid}
.item p{margin:0}
.item .head{font-weight:640}
dd code{font-weight:400}
.place{font-weight:560;margin:0 0 .6em}
.first-capital{display:inline-block}
.first-capital::first-letter{text-transform:uppercase}
.item .says{color:var(--soft)}
code{font:.84em/1.4 ui-monospace,Menlo,Consolas,"DejaVu Sans Mono",monospace}
footer{margin-top:2em;border-top:2px solid var(--ink);padding-top:.6em;color:var(--soft);font-size:.92rem}
@media (max-width:640px){
main{padding:14px 14px 32px}
.charge{font-size:1.3rem}
dl div{grid-template-columns:minmax(0,1fr)}
dt{font-size:.92rem}
}
@media print{
body{background:#fff;font-size:10pt;line-height:1.4}
main{max-width:none;padding:0}
figure img{max-height:12cm}
dl div{grid-template-columns:5.2cm minmax(0,1fr)}
@page{margin:15mm}
}`;

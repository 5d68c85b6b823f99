/**
 * The page's style: large type and strong contrast for a phone outdoors, dark where the reader prefers it, plain on paper.
 * Classes of the plots are here too, so that they follow the page's colours.
 */
export const pageStyle = `
:root{color-scheme:light dark;--ground:#f4f5f7;--card:#fff;--ink:#14181f;--soft:#4a5361;--rule:#d5d9e0;--stripe:#f0f2f5;--accent:#0b5cad;--bad:#b3161b;--bad-ground:#fdeceb;--good:#0f6b34;--good-ground:#e6f5eb;--warn:#8a5200;--warn-ground:#fff3dc;--limit:#c2410c;--true:#0f7a45;--span:#b9cbe2;--span-ink:#10233d;--red:#d32027;--amber:#f0a81c;--green:#1c9a4b;--off:#8b93a1}
@media (prefers-color-scheme:dark){:root{--ground:#0e1116;--card:#171b22;--ink:#eef1f5;--soft:#b2bbc8;--rule:#363d49;--stripe:#1d222b;--accent:#6cb2ff;--bad:#ff7b78;--bad-ground:#3a1618;--good:#62d58f;--good-ground:#10301d;--warn:#ffc35c;--warn-ground:#3a2a0c;--limit:#ff9a5c;--true:#57dd96;--span:#3b5373;--span-ink:#f2f6fb;--red:#e5484d;--amber:#f0b43c;--green:#2fae62;--off:#6c7482}}
*{box-sizing:border-box}
html{-webkit-text-size-adjust:100%}
body{margin:0;background:var(--ground);color:var(--ink);font:18px/1.5 system-ui,-apple-system,"Segoe UI",Roboto,"Noto Sans","Liberation Sans",sans-serif;font-variant-numeric:tabular-nums;overflow-wrap:anywhere}
main,header,footer{max-width:1080px;margin:0 auto;padding:0 20px}
header{padding-top:28px}
h1{font-size:1rem;letter-spacing:.02em;font-weight:600;color:var(--soft);margin:0}
.verdict{font-size:clamp(2.1rem,6vw,3rem);line-height:1.1;font-weight:750;margin:.15em 0 .25em;letter-spacing:-.02em}
.lead{margin:0 0 .9em;font-size:1.1rem}
h2{font-size:1.5rem;line-height:1.2;margin:2.2em 0 .7em;letter-spacing:-.01em}
h3{font-size:1.3rem;line-height:1.25;margin:0}
p{margin:.4em 0}
.note{color:var(--soft);font-size:.95rem}
.banner{border-left:6px solid;border-radius:6px;padding:.6em .9em;margin:.7em 0;font-weight:600}
.banner.good{color:var(--good);background:var(--good-ground)}
.banner.bad{color:var(--bad);background:var(--bad-ground)}
.banner.warn{color:var(--warn);background:var(--warn-ground)}
.banner ul{margin:.3em 0 0;padding-left:1.2em;font-weight:500}
.tiles{display:grid;grid-template-columns:repeat(auto-fit,minmax(112px,1fr));gap:10px;margin:1.1em 0 0;padding:0}
.tiles div{background:var(--card);border:1px solid var(--rule);border-radius:10px;padding:.6em .8em}
.tiles dt{color:var(--soft);font-size:.88rem}
.tiles dd{margin:0;font-size:1.45rem;font-weight:680;line-height:1.2}
.card{background:var(--card);border:1px solid var(--rule);border-radius:14px;padding:20px;margin:0 0 22px;break-inside:avoid}
.card-head{display:flex;flex-wrap:wrap;justify-content:space-between;align-items:baseline;gap:.2em 1em;margin-bottom:.2em}
.when{color:var(--soft)}
.figure{font-size:clamp(1.5rem,5vw,2rem);font-weight:720;color:var(--bad);line-height:1.2;margin:.1em 0 .5em;letter-spacing:-.01em}
.figure::first-letter{text-transform:uppercase}
.pictures{display:grid;grid-template-columns:minmax(0,2.2fr) minmax(0,1fr);grid-template-rows:auto 1fr;gap:12px;margin:0 0 16px}
figure{margin:0}
.pictures figure:first-child{grid-row:1 / span 2}
.pictures.single{grid-template-columns:1fr}
figure img{display:block;width:100%;height:auto;border-radius:8px;background:var(--stripe)}
.pictures figure:not(:first-child) img{aspect-ratio:16/9;object-fit:contain}
figcaption{font-size:.88rem;color:var(--soft);margin-top:.25em}
.missing{border:2px dashed var(--rule);border-radius:8px;padding:1.4em 1em;color:var(--soft);font-size:.95rem}
.plate{display:flex;flex-wrap:wrap;align-items:center;gap:.5em 1.2em;margin:0 0 16px}
.plate p{margin:0;font-weight:620;overflow-wrap:anywhere}
.plate img{width:min(100%,288px);height:auto;border-radius:6px;image-rendering:pixelated}
.facts{display:grid;grid-template-columns:repeat(auto-fill,minmax(165px,1fr));gap:.5em 1.2em;margin:0 0 1em}
.facts dt{font-size:.88rem;color:var(--soft)}
.facts dd{margin:0;font-weight:620}
.scroll{max-width:100%;overflow-x:auto;background:var(--card);border:1px solid var(--rule);border-radius:12px}
.card .scroll{border-radius:8px}
table{border-collapse:collapse;width:100%;overflow-wrap:normal;font-size:.95rem}
th,td{text-align:left;padding:.5em .75em;border-bottom:1px solid var(--rule);vertical-align:top}
tbody tr:last-child>*{border-bottom:0}
thead th{font-size:.88rem;color:var(--soft);font-weight:600;border-bottom:2px solid var(--rule)}
.number{text-align:right;white-space:nowrap}
.keep{white-space:nowrap}
.accused-row td,.accused-row th{color:var(--bad);font-weight:620}
.evidence{margin:1em 0 0;font-size:.95rem}
code{font:0.92em/1.4 ui-monospace,SFMono-Regular,Menlo,Consolas,"DejaVu Sans Mono",monospace;overflow-wrap:anywhere}
.plot{background:var(--card);border:1px solid var(--rule);border-radius:14px;padding:16px}
.about{background:var(--card);border:1px solid var(--rule);border-radius:12px;padding:6px 18px;margin:0}
.about div{display:grid;grid-template-columns:minmax(130px,220px) minmax(0,1fr);gap:.2em 1em;padding:.45em 0;border-bottom:1px solid var(--rule)}
.about div:last-child{border-bottom:0}
.about dt{color:var(--soft)}
.about dd{margin:0}
footer{padding-top:24px;padding-bottom:48px}
svg{display:block;max-width:100%;height:auto;font-family:inherit}
svg text{fill:var(--ink);font-size:15px}
svg .tick,svg .key{font-size:14px}
svg .tick,svg .axis-name{fill:var(--soft)}
svg .grid{stroke:var(--rule);stroke-width:1}
svg .axis{stroke:var(--soft);stroke-width:1.5}
svg .stripe{fill:var(--stripe)}
svg .row{font-weight:560}
svg .accused-text{fill:var(--bad);font-weight:700}
svg .measured{fill:var(--accent)}
svg .accused{fill:var(--bad)}
svg .spread{stroke-width:2.5}
svg .measured.spread{stroke:var(--accent)}
svg .accused.spread{stroke:var(--bad)}
svg .limit{stroke:var(--limit);stroke-width:3;stroke-dasharray:5 3}
svg .true-mark{fill:none;stroke:var(--true);stroke-width:2.5}
svg .true-ring{fill:none;stroke:var(--true);stroke-width:2.5}
svg .crossing{fill:var(--accent)}
svg .span{fill:var(--span)}
svg .accused-span{fill:var(--bad)}
svg .span-text{font-size:12px;font-weight:600;fill:var(--span-ink)}
svg .accused-span-text{fill:var(--card)}
svg .phase-red{fill:var(--red)}
svg .phase-amber{fill:var(--amber)}
svg .phase-green{fill:var(--green)}
svg .phase-off,svg .phase-unknown{fill:var(--off)}
svg .on-phase{font-size:14px;font-weight:650;fill:#fff}
svg .on-amber{fill:#231a00}
.narrow{display:none}
.narrow svg{width:100%}
@media (max-width:700px){
body{font-size:19px}
main,header,footer{padding-left:14px;padding-right:14px}
.wide{display:none}
.narrow{display:block}
.card{padding:16px 14px}
.plot{padding:12px 8px}
.pictures{display:block}
.pictures figure+figure{margin-top:12px}
.pictures figure:not(:first-child) img{aspect-ratio:auto;max-height:70vh}
.tiles{grid-template-columns:repeat(2,minmax(0,1fr))}
.facts{grid-template-columns:repeat(2,minmax(0,1fr))}
.findings thead{position:absolute;width:1px;height:1px;overflow:hidden;clip-path:inset(50%)}
.findings tr{display:grid;grid-template-columns:repeat(2,minmax(0,1fr));overflow-wrap:anywhere;padding:.55em .75em;border-bottom:1px solid var(--rule)}
.findings tr:last-child{border-bottom:0}
.findings td,.findings th{padding:.05em 0;border:0}
.findings td.says,.findings th{grid-column:1 / -1}
.findings td.number{text-align:left;white-space:normal;font-weight:620}
.findings td[data-name]:not(:empty)::before{content:attr(data-name) ' ';color:var(--soft);font-weight:400}
.about div{grid-template-columns:minmax(0,1fr)}
}
@media print{
:root{--ground:#fff;--card:#fff;--ink:#000;--soft:#333;--rule:#bbb;--stripe:#f3f3f3;--accent:#0b4d91;--bad:#a01217;--bad-ground:#fff;--good:#0b5529;--good-ground:#fff;--warn:#6b4000;--warn-ground:#fff;--limit:#b03a08;--true:#0b6a3a;--span:#c4d2e4;--span-ink:#000;--red:#d32027;--amber:#f0a81c;--green:#1c9a4b;--off:#888}
*{print-color-adjust:exact;-webkit-print-color-adjust:exact}
body{font-size:10pt;line-height:1.4}
main,header,footer{max-width:none;padding:0}
footer{padding-top:8px}
h2{break-after:avoid;margin-top:1.4em}
.plot,.tiles div,tr{break-inside:avoid}
.wide{display:block}
.narrow{display:none}
.narrow svg{width:100%}
.scroll{overflow:visible}
.card{padding:12px 14px}
.pictures{max-width:15cm;margin-bottom:8px}
.tiles{grid-template-columns:repeat(8,1fr)}
.tiles dd{font-size:1.1rem}
.facts{gap:.25em 1em;margin-bottom:.6em;grid-template-columns:repeat(5,1fr)}
.figure{font-size:1.5rem;margin-bottom:.3em}
.evidence{margin-top:.5em}
table{font-size:.88rem}
th,td{padding:.3em .6em}
@page{margin:14mm}
}`;

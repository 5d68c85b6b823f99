#!/bin/sh
# Verifies an audit pack, offline, with openssl, sha256sum and what every POSIX system has (coreutils, grep, sed).
#
#   sh verify.sh [-p PACK] [-s CHECKPOINT] [KEY.pem]
#
# KEY.pem     the unit's public key, from a source other than this pack: without it nothing can be found to be OK
# PACK        the pack's folder; the one in which this script lies where none is given
# CHECKPOINT  the older checkpoint that you kept: log/since must be the same
#
# Exit: 0 all holds; 1 a part fails, which is named; 2 wrong use; 3 whole in itself, but checked with the pack's own key only.
# VERIFY.md has the same steps by hand. Proofs: RFC 9162, 2.1.3.2 and 2.1.4.2.

set -u
LC_ALL=C
export LC_ALL
umask 077

# What a stranger wrote must neither begin a line nor move the cursor of a terminal.
shown() { printf '%s' "$1" | tr -c '\040-\176' '?'; }
fail() {
  printf 'FAILED %s: %s\n' "$(shown "$1")" "$(shown "$2")" >&2
  exit 1
}
ok() { printf 'OK     %s: %s\n' "$(shown "$1")" "$(shown "$2")"; }
note() { printf 'NOTE   %s\n' "$(shown "$1")"; }
wrong_use() {
  printf '%s\nusage: sh verify.sh [-p PACK] [-s CHECKPOINT] [KEY.pem]\n' "$1" >&2
  exit 2
}

# An absolute path, since the script goes into the pack's folder.
absolute() {
  case $1 in
    /*) printf '%s' "$1" ;;
    *) printf '%s/%s' "$PWD" "$1" ;;
  esac
}

case $0 in
  */*) pack=${0%/*} ;;
  *) pack=. ;;
esac
kept=
while getopts p:s: option; do
  case $option in
    p) pack=$OPTARG ;;
    s) kept=$(absolute "$OPTARG") ;;
    *) wrong_use 'unknown option' ;;
  esac
done
shift $((OPTIND - 1))
[ $# -le 1 ] || wrong_use 'one key at most'
given=
[ $# -eq 0 ] || given=$(absolute "$1")
[ -z "$given" ] || [ -f "$given" ] || wrong_use "there is no key file $given"
[ -z "$kept" ] || [ -f "$kept" ] || wrong_use "there is no checkpoint $kept"

cd "$pack" || wrong_use "there is no folder $pack"
# A key in the pack is the pack's own, whoever names it.
if [ -n "$given" ]; then
  case $(cd -P "${given%/*}/" && pwd)/ in "$(pwd -P)"/*) given= ;; esac
fi
tmp=$(mktemp -d) || exit 2
trap 'rm -rf "$tmp"' EXIT
trap 'exit 2' HUP INT TERM

line() { sed -n "$1p" "$2"; }
sum() {
  set -- "$(sha256sum <"$1")"
  printf '%s' "${1%% *}"
}
size() {
  set -- "$(wc -c <"$1")"
  printf '%d' "$1"
}
encode() { openssl base64 -A -in "$1"; }
# Text of one encoding only: what decodes to the same bytes but is written otherwise is refused.
decode() {
  printf '%s' "$1" | openssl base64 -d -A >"$2" 2>"$tmp/errors"
  [ -n "$1" ] && [ "$(encode "$2")" = "$1" ]
}
decode_hash() { decode "$1" "$2" && [ "$(size "$2")" -eq 32 ]; }
# Decimal, at most 15 digits, so that the shell's numbers hold it.
is_number() {
  case $1 in
    '' | *[!0-9]* | 0?* | ????????????????*) return 1 ;;
  esac
}
# A line of text a record: printable ASCII and the dash of signature lines, with a line's end at the end.
is_text() {
  [ -s "$1" ] && [ "$(tr -d '\012\040-\176\342\200\224' <"$1" | wc -c)" -eq 0 ] && [ -z "$(tail -c 1 "$1")" ]
}

# --- the list of files -----------------------------------------------------------------------------------------------

[ -f SHA256SUMS ] || fail SHA256SUMS 'it is missing'
is_text SHA256SUMS || fail SHA256SUMS 'it is not a list of files'
if grep -Evq '^[0-9a-f]{64}  [A-Za-z0-9_][A-Za-z0-9._-]*(/[A-Za-z0-9_][A-Za-z0-9._-]*)?$' SHA256SUMS; then
  fail SHA256SUMS 'a line of it is not a hash and a name'
fi
cut -c 67- SHA256SUMS >"$tmp/listed"
for part in record.json record.sig leaf log/checkpoint log/inclusion keys/unit.pem keys/unit.vkey; do
  [ -f "$part" ] || fail "$part" 'it is missing'
  grep -Fxq "$part" "$tmp/listed" || fail SHA256SUMS "$part is not in it"
done
# Before anything is read: a pipe would wait, and a link may lead to what has no end.
erased=no
for part in * .[!.]* */* */.[!.]*; do
  [ -e "$part" ] || [ -L "$part" ] || continue
  case $part in *[[:cntrl:]]*) fail "$part" 'its name holds control characters' ;; esac
  [ ! -L "$part" ] || fail "$part" 'it is a link, not a file'
  [ -f "$part" ] || [ -d "$part" ] || fail "$part" 'it is not a file'
  case $part in
    log | files | opened | keys | erasure)
      [ -d "$part" ] || fail "$part" 'it is not a folder'
      [ "$part" != erasure ] || erased=yes
      continue
      ;;
    log/checkpoint | log/inclusion | log/since | log/consistency | keys/unit.pem | keys/unit.vkey) ;;
    erasure/record.json | erasure/record.sig | erasure/leaf | erasure/inclusion) ;;
    files/* | opened/*) ;;
    log/* | keys/* | erasure/*) fail "$part" 'no such file belongs into a pack' ;;
    SHA256SUMS) continue ;;
    record.json | record.sig | leaf | clip.txt | verify.sh | VERIFY.md | sheet.html | sheet.pdf) ;;
    *)
      note "$part: not part of a pack, and not looked at"
      continue
      ;;
  esac
  grep -Fxq "$part" "$tmp/listed" || fail SHA256SUMS "$part is not in it"
done
sha256sum -c SHA256SUMS >"$tmp/sums" 2>"$tmp/errors" || fail SHA256SUMS "$(grep -v ': OK$' "$tmp/sums" | head -n 5)"
ok SHA256SUMS 'every file is as this list has it'
note 'SHA256SUMS, the sheets and VERIFY.md: no signature covers them; what the unit stated is record.json'

# --- the key ---------------------------------------------------------------------------------------------------------

if [ -n "$given" ]; then source_of_key=$given; else source_of_key=keys/unit.pem; fi
openssl pkey -pubin -in "$source_of_key" -pubout -outform DER -out "$tmp/key.der" 2>"$tmp/errors" ||
  fail "$source_of_key" 'it is not a public key in PEM'
openssl pkey -pubin -inform DER -in "$tmp/key.der" -pubout -out "$tmp/key.pem" 2>"$tmp/errors"
case $(od -An -v -tx1 "$tmp/key.der" | tr -d ' \n') in
  302a300506032b6570032100????????????????????????????????????????????????????????????????) algorithm=ed25519 ;;
  3059301306072a8648ce3d020106082a8648ce3d03010703420004*) algorithm=p256 ;;
  *) fail "$source_of_key" 'it is neither an Ed25519 nor a P-256 key' ;;
esac
[ "$(sum "$tmp/key.pem")" = "$(sum keys/unit.pem)" ] || fail keys/unit.pem 'it is not the key that you gave'
fingerprint=$(sum "$tmp/key.der")

# The signature in the second file is the key's over the first.
signed() {
  if [ "$algorithm" = ed25519 ]; then
    openssl pkeyutl -verify -pubin -inkey "$tmp/key.pem" -rawin -in "$1" -sigfile "$2" >"$tmp/errors" 2>&1
  else
    openssl dgst -sha256 -verify "$tmp/key.pem" -signature "$2" "$1" >"$tmp/errors" 2>&1
  fi
}

# --- a record, its signature and its leaf ----------------------------------------------------------------------------

# Sets unit, sequence and signer from a record whose signature holds, so that it can be taken at its word.
read_record() {
  signed "$1record.json" "$1record.sig" || fail "$1record.sig" "the signature over $1record.json does not hold"
  fields=$(sed -nE 's/^\{.*,"sequence":([1-9][0-9]*),"signer":"([0-9a-f]{64})",("time":\{"clock":\{[^{}]*\},[^{}]*\},)?"unit":"([^"\\]*)"\}$/\1 \2 \4/p' "$1record.json")
  sequence=${fields%% *}
  fields=${fields#* }
  signer=${fields%% *}
  unit=${fields#* }
  is_number "$sequence" && [ -n "$unit" ] || fail "$1record.json" 'it is not a record of a known shape'
  [ "$signer" = "$fingerprint" ] || fail "$1record.json" 'it names another key as its signer'
  ok "${1}record.json" "signed by the unit's key, entry $sequence"
  (cd "./$1" && sha256sum record.json record.sig) >"$tmp/leaf"
  [ "$(sum "$tmp/leaf")" = "$(sum "$1leaf")" ] || fail "$1leaf" "it is not that of $1record.json and $1record.sig"
  ok "$1leaf" 'that of record and signature'
}

read_record ''
case $unit in *[!\ -~]*) fail record.json 'the name of its unit is not plain' ;; esac
origin=atalaya/$unit
record_unit=$unit
record_sequence=$sequence
id=$unit-$(printf '%09d' "$sequence")
grep -Fq ",\"id\":\"$id\",\"infraction\":{" record.json || fail record.json "its id is not $id"

if [ "$algorithm" = ed25519 ]; then
  tail -c 32 "$tmp/key.der" >"$tmp/public"
  { printf '%s\n\001' "$origin"; cat "$tmp/public"; } >"$tmp/named"
  { printf '\001'; cat "$tmp/public"; } >"$tmp/typed"
else
  cat "$tmp/key.der" >"$tmp/named"
  { printf '\002'; cat "$tmp/key.der"; } >"$tmp/typed"
fi
key_id=$(sum "$tmp/named" | cut -c 1-8)
printf '%s+%s+%s\n' "$origin" "$key_id" "$(encode "$tmp/typed")" >"$tmp/vkey"
[ "$(sum "$tmp/vkey")" = "$(sum keys/unit.vkey)" ] || fail keys/unit.vkey 'it is not the key in keys/unit.pem'
ok keys "unit.pem and unit.vkey are one key, $fingerprint"

# --- a checkpoint ----------------------------------------------------------------------------------------------------

dash=$(printf '\342\200\224')

# Sets tree_size and root from a checkpoint whose signature holds.
read_checkpoint() {
  is_text "$1" || fail "$1" 'it is not text'
  head -n 3 "$1" >"$tmp/text"
  [ "$(line 1 "$1")" = "$origin" ] || fail "$1" "it is not of the log $origin"
  tree_size=$(line 2 "$1")
  is_number "$tree_size" || fail "$1" 'its second line is no size'
  root=$(line 3 "$1")
  decode_hash "$root" "$tmp/root" || fail "$1" 'its third line is no hash'
  [ -z "$(line 4 "$1")" ] || fail "$1" 'its fourth line is not empty'
  tail -n +5 "$1" >"$tmp/signatures"
  found=no
  while IFS= read -r signature; do
    case $signature in
      "$dash "?*' '?*) signature=${signature#"$dash "} ;;
      *) fail "$1" 'a line after the empty one is no signature' ;;
    esac
    [ "${signature%% *}" = "$origin" ] || continue
    decode "${signature#* }" "$tmp/blob" || fail "$1" 'a signature of it is not base64'
    [ "$(head -c 4 "$tmp/blob" | od -An -tx1 | tr -d ' \n')" = "$key_id" ] || continue
    tail -c +5 "$tmp/blob" >"$tmp/signature"
    signed "$tmp/text" "$tmp/signature" || fail "$1" "the signature of $origin does not hold"
    found=yes
  done <"$tmp/signatures"
  [ "$found" = yes ] || fail "$1" "it bears no signature by the key of $origin"
  ok "$1" "signed by the unit's key, $tree_size entries"
}

# --- a leaf in the tree ----------------------------------------------------------------------------------------------

node() {
  { printf '\001'; cat "$1" "$2"; } | openssl dgst -sha256 -binary >"$tmp/node"
  cat "$tmp/node" >"$3"
}

# That the leaf in the second file is entry $3 of the tree of log/checkpoint.
verify_inclusion() {
  is_text "$1" || fail "$1" 'it is not text'
  [ "$(line 1 "$1")" = 'c2sp.org/tlog-proof@v1' ] || fail "$1" 'its first line is not that of a proof'
  [ "$(line 2 "$1")" = "index $(($3 - 1))" ] || fail "$1" "its second line is not the index of entry $3"
  { printf '\000'; cat "$2"; } | openssl dgst -sha256 -binary >"$tmp/hash"
  fn=$(($3 - 1))
  sn=$((tree_size - 1))
  [ "$fn" -le "$sn" ] || fail "$1" "the log of the checkpoint has no entry $3"
  at=2
  tail -n +3 "$1" >"$tmp/proof"
  while IFS= read -r text; do
    at=$((at + 1))
    [ -n "$text" ] || break
    decode_hash "$text" "$tmp/next" || fail "$1" "line $at is no hash"
    [ "$sn" -ne 0 ] || fail "$1" 'it has too many hashes'
    if [ $((fn & 1)) -eq 1 ] || [ "$fn" -eq "$sn" ]; then
      node "$tmp/next" "$tmp/hash" "$tmp/hash"
      while [ $((fn & 1)) -eq 0 ] && [ "$fn" -ne 0 ]; do
        fn=$((fn >> 1))
        sn=$((sn >> 1))
      done
    else
      node "$tmp/hash" "$tmp/next" "$tmp/hash"
    fi
    fn=$((fn >> 1))
    sn=$((sn >> 1))
  done <"$tmp/proof"
  [ "$sn" -eq 0 ] || fail "$1" 'it has too few hashes'
  [ "$(encode "$tmp/hash")" = "$root" ] || fail "$1" 'it does not lead to the root of log/checkpoint'
  tail -n "+$((at + 1))" "$1" >"$tmp/own"
  [ "$(sum "$tmp/own")" = "$(sum log/checkpoint)" ] || fail "$1" 'the checkpoint in it is not log/checkpoint'
  ok "$1" "entry $3 of $tree_size"
}

read_checkpoint log/checkpoint
verify_inclusion log/inclusion leaf "$record_sequence"

# --- the erasure -----------------------------------------------------------------------------------------------------

if [ "$erased" = yes ]; then
  for part in record.json record.sig leaf inclusion; do
    [ -f "erasure/$part" ] || fail "erasure/$part" 'it is missing'
  done
  read_record erasure/
  [ "$unit" = "$record_unit" ] || fail erasure/record.json 'it is of another unit'
  [ "$sequence" -gt "$record_sequence" ] || fail erasure/record.json 'it is older than what it erases'
  act=$(sed -nE 's/^\{"action":\{"bodies":\[[^]]*\],"evidence":"([^"\\]*)","keys":("[0-9a-f]{64}"|null),"kind":"erase"\},"actor":.*$/\2 \1/p' erasure/record.json)
  [ "${act#* }" = "$id" ] || fail erasure/record.json "it is not an erasure of $id"
  keys=$(sed -nE 's/^.*"keys":\{"bytes":[0-9]+,"sha256":("[0-9a-f]{64}")\}.*$/\1/p' record.json)
  [ "${act%% *}" = "${keys:-null}" ] || fail erasure/record.json 'it destroys another key file'
  verify_inclusion erasure/inclusion erasure/leaf "$sequence"
fi

# --- the sealed files ------------------------------------------------------------------------------------------------

# In canonical JSON a quotation mark inside of a text always follows a backslash, so these patterns meet no text.
grep -oE '"name":"([^"\\]|\\.)*",("origin":"[a-z]+",)?"role":"[a-z-]+","sha256":"[0-9a-f]{64}"' record.json >"$tmp/entries"
[ "$(wc -l <"$tmp/entries")" -eq "$(grep -o '"mediaType":' record.json | wc -l)" ] ||
  fail record.json 'its files are not of a known shape'
: >"$tmp/names"
number=0
commitment=$(grep -oE ',"plate":\{"commitment":"[0-9a-f]{64}","file":"' record.json | cut -d '"' -f 6)
plate=
while IFS= read -r entry; do
  number=$((number + 1))
  case $entry in *'","role":"plate","sha256":"'*) is_plate=yes ;; *) is_plate=no ;; esac
  hash=${entry%'"'}
  hash=${hash##*'"'}
  name=${entry#'"name":"'}
  name=${name%%'"'*}
  lower=$(printf '%s' "$name" | tr 'A-Z' 'a-z')
  # A name that could do harm, or that another file has, is not taken over: the file goes by its number.
  case $lower in
    '' | [!a-z0-9_]* | *[!a-z0-9._-]* | file-*) safe=no ;;
    *) if [ ${#name} -gt 100 ] || grep -Fxq -e "$lower" "$tmp/names"; then safe=no; else safe=yes; fi ;;
  esac
  if [ "$safe" = no ]; then
    name=file-$number
    lower=$name
  fi
  printf '%s\n' "$lower" >>"$tmp/names"
  printf '%s\n' "files/$name.age" "opened/$name" >>"$tmp/known"
  [ "$is_plate" = no ] || plate=opened/$name
  if [ "$erased" = yes ]; then
    for part in "files/$name.age" "opened/$name"; do
      [ ! -e "$part" ] || fail "$part" 'it is there, although the log says that it was erased'
    done
  else
    [ -f "files/$name.age" ] || fail "files/$name.age" 'it is missing'
    [ "$(sum "files/$name.age")" = "$hash" ] || fail "files/$name.age" 'it is not what the record names'
  fi
done <"$tmp/entries"
for part in files/* opened/*; do
  [ -e "$part" ] || continue
  [ -f "$tmp/known" ] && grep -Fxq "$part" "$tmp/known" || fail "$part" 'the record does not name it'
done
if [ "$erased" = yes ]; then
  ok erasure "$number files were erased, and the log says so"
else
  ok files "$number sealed files are those that the record names"
fi
if [ -f clip.txt ]; then
  grep -oE '"frames":\[[][0-9,.eE+-]*\]' record.json | sed 's/^"frames":\[//' | tr -d '[' | tr ']' '\n' |
    sed -e 's/^,//' -e '/^$/d' | tr ',' ' ' >"$tmp/frames"
  sed '1d' clip.txt >"$tmp/clip"
  [ "$(line 1 clip.txt)" = 'frame elapsed-ms first-byte bytes' ] && [ "$(sum "$tmp/clip")" = "$(sum "$tmp/frames")" ] ||
    fail clip.txt 'it is not the list of frames in the record'
  ok clip.txt 'the list of frames in the record'
fi
if [ -n "$plate" ] && [ -f "$plate" ]; then
  [ "$(sum "$plate")" = "$commitment" ] || fail "$plate" 'it is not the plate that the record commits to'
  ok "$plate" 'the plate that the record commits to'
  grep -oE '"pictures":[[][^]]*[]]' "$plate" | grep -oE '"name":"[A-Za-z0-9._-]+","sha256":"[0-9a-f]{64}"' |
    cut -d '"' -f 4,8 | tr '"' ' ' >"$tmp/pictures"
  while read -r name hash; do
    [ -f "opened/$name" ] || continue
    [ "$(sum "opened/$name")" = "$hash" ] || fail "opened/$name" 'it is not the picture that the plate commits to'
    ok "opened/$name" 'the picture that the plate commits to'
  done <"$tmp/pictures"
fi
for part in opened/*; do
  [ -e "$part" ] || continue
  note 'opened/: no signature covers the opened files; to prove one, open its .age file with the authority key and compare'
  break
done

# --- nothing rewritten since an older checkpoint ---------------------------------------------------------------------

verify_consistency() {
  fn=$((older_size - 1))
  sn=$((tree_size - 1))
  [ "$older_size" -le "$tree_size" ] || fail log/since 'it is newer than log/checkpoint'
  if [ "$older_size" -eq "$tree_size" ] || [ "$older_size" -eq 0 ]; then
    [ ! -s log/consistency ] || fail log/consistency 'it has too many hashes'
    [ "$older_size" -eq 0 ] || [ "$older_root" = "$root" ] || fail log/since 'it is of the same size with another root'
    return
  fi
  is_text log/consistency || fail log/consistency 'it is not text'
  while [ $((fn & 1)) -eq 1 ]; do
    fn=$((fn >> 1))
    sn=$((sn >> 1))
  done
  at=0
  started=no
  if [ "$fn" -eq 0 ]; then
    decode_hash "$older_root" "$tmp/old"
    cat "$tmp/old" >"$tmp/new"
    started=yes
  fi
  while IFS= read -r text; do
    at=$((at + 1))
    decode_hash "$text" "$tmp/next" || fail log/consistency "line $at is no hash"
    if [ "$started" = no ]; then
      cat "$tmp/next" >"$tmp/old"
      cat "$tmp/next" >"$tmp/new"
      started=yes
      continue
    fi
    [ "$sn" -ne 0 ] || fail log/consistency 'it has too many hashes'
    if [ $((fn & 1)) -eq 1 ] || [ "$fn" -eq "$sn" ]; then
      node "$tmp/next" "$tmp/old" "$tmp/old"
      node "$tmp/next" "$tmp/new" "$tmp/new"
      while [ $((fn & 1)) -eq 0 ] && [ "$fn" -ne 0 ]; do
        fn=$((fn >> 1))
        sn=$((sn >> 1))
      done
    else
      node "$tmp/new" "$tmp/next" "$tmp/new"
    fi
    fn=$((fn >> 1))
    sn=$((sn >> 1))
  done <log/consistency
  [ "$sn" -eq 0 ] || fail log/consistency 'it has too few hashes'
  [ "$(encode "$tmp/old")" = "$older_root" ] || fail log/consistency 'it does not lead to the root of log/since'
  [ "$(encode "$tmp/new")" = "$root" ] || fail log/consistency 'it does not lead to the root of log/checkpoint'
}

if [ -f log/since ]; then
  [ -f log/consistency ] || fail log/consistency 'it is missing'
  newest_size=$tree_size
  newest_root=$root
  read_checkpoint log/since
  older_size=$tree_size
  older_root=$root
  tree_size=$newest_size
  root=$newest_root
  if [ -n "$kept" ]; then
    head -n 3 "$kept" >"$tmp/kept"
    [ "$(sum "$tmp/kept")" = "$(sum "$tmp/text")" ] || fail log/since 'it is not the checkpoint that you kept'
  else
    note 'log/since: compare it with the checkpoint that you kept, or give yours with -s'
  fi
  verify_consistency
  ok log/consistency "nothing among the first $older_size entries was rewritten"
elif [ -f log/consistency ]; then
  fail log/since 'it is missing'
elif [ -n "$kept" ]; then
  fail log/since 'it is missing: the pack proves nothing about the checkpoint that you kept'
fi

if [ -z "$given" ]; then
  cat >&2 <<END

******************************************************************************
NOT VERIFIED: THE KEY WAS TAKEN FROM THIS PACK.
The pack is whole in itself. Whoever makes a false pack puts a false key into
it, so this proves nothing about its origin. Get the unit's public key from
the authority and run: sh verify.sh KEY.pem
******************************************************************************
END
  exit 3
fi
printf 'OK: %s holds, by the key that you gave (%s)\n' "$id" "$fingerprint"

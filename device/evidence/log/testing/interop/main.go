// Checks the log of a unit with the packages golang.org/x/mod/sumdb/tlog and note, which know nothing of the software that wrote it.
//
//	interop LOG VKEY STEP [OLDER-CHECKPOINT]
//
// LOG is the folder with `checkpoint` and `tile/`, VKEY a verifier key or a file with one. Opens the checkpoint, reads the tiles
// through tlog.TileHashReader, computes the root anew, checks that every STEP-th entry of the bundles is included, and that the older
// checkpoint is of a beginning of the same tree. Witnesses are named by further verifier keys in the environment variable WITNESSES,
// separated by spaces; each must have cosigned. Ends with 1 and the reason where anything does not hold.
package main

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

const (
	height = 8
	width  = 1 << height
)

// folder serves tiles from disk. The package's own paths have the height of the tiles in them; those of C2SP do not.
type folder string

func (f folder) Height() int { return height }

func (f folder) ReadTiles(tiles []tlog.Tile) ([][]byte, error) {
	var all [][]byte
	for _, tile := range tiles {
		path := "tile/" + strings.TrimPrefix(tile.Path(), fmt.Sprintf("tile/%d/", tile.H))
		data, err := os.ReadFile(filepath.Join(string(f), path))
		if err != nil {
			return nil, err
		}
		if len(data) != tile.W*tlog.HashSize {
			return nil, fmt.Errorf("%s has %d bytes", path, len(data))
		}
		all = append(all, data)
	}
	return all, nil
}

func (f folder) SaveTiles([]tlog.Tile, [][]byte) {}

// bundle gives the entries of one bundle of a tree of the given size.
func (f folder) bundle(index, size int64) ([][]byte, error) {
	tile := tlog.Tile{H: height, L: -1, N: index, W: width}
	if rest := size - index*width; rest < width {
		tile.W = int(rest)
	}
	path := "tile/entries/" + strings.TrimPrefix(tile.Path(), fmt.Sprintf("tile/%d/data/", tile.H))
	data, err := os.ReadFile(filepath.Join(string(f), path))
	if err != nil {
		return nil, err
	}
	var entries [][]byte
	for len(data) > 0 {
		if len(data) < 2 || len(data) < 2+int(binary.BigEndian.Uint16(data)) {
			return nil, fmt.Errorf("%s ends within an entry", path)
		}
		end := 2 + int(binary.BigEndian.Uint16(data))
		entries = append(entries, data[2:end])
		data = data[end:]
	}
	if len(entries) != tile.W {
		return nil, fmt.Errorf("%s has %d entries instead of %d", path, len(entries), tile.W)
	}
	return entries, nil
}

// verifier is a key of a type that the package does not have: P-256 (0x02) or a witness (0x04).
type verifier struct {
	name  string
	id    uint32
	check func(text, signature []byte) bool
}

func (v verifier) Name() string                       { return v.name }
func (v verifier) KeyHash() uint32                    { return v.id }
func (v verifier) Verify(text, signature []byte) bool { return v.check(text, signature) }

func newVerifier(vkey string) (note.Verifier, error) {
	if known, err := note.NewVerifier(vkey); err == nil {
		return known, nil
	}
	parts := strings.SplitN(vkey, "+", 3)
	if len(parts) != 3 {
		return nil, errors.New("not a verifier key")
	}
	id, err := hex.DecodeString(parts[1])
	if err != nil || len(id) != 4 {
		return nil, errors.New("not a key id")
	}
	material, err := base64.StdEncoding.DecodeString(parts[2])
	if err != nil || len(material) < 33 {
		return nil, errors.New("not a key")
	}
	key := verifier{name: parts[0], id: binary.BigEndian.Uint32(id)}
	hashed := append([]byte(parts[0]+"\n"), material...)
	switch material[0] {
	case 0x02:
		hashed = material[1:]
		public, err := x509.ParsePKIXPublicKey(material[1:])
		if err != nil {
			return nil, err
		}
		p256, ok := public.(*ecdsa.PublicKey)
		if !ok {
			return nil, errors.New("not an ECDSA key")
		}
		key.check = func(text, signature []byte) bool {
			digest := sha256.Sum256(text)
			return ecdsa.VerifyASN1(p256, digest[:], signature)
		}
	case 0x04:
		key.check = func(text, signature []byte) bool {
			if len(signature) != 72 {
				return false
			}
			signed := fmt.Sprintf("cosignature/v1\ntime %d\n%s", binary.BigEndian.Uint64(signature), text)
			return ed25519.Verify(material[1:], []byte(signed), signature[8:])
		}
	default:
		return nil, fmt.Errorf("key of unknown type %d", material[0])
	}
	if digest := sha256.Sum256(hashed); !bytes.Equal(digest[:4], id) {
		return nil, errors.New("the key id is not that of the key")
	}
	return key, nil
}

// open gives the tree of a signed checkpoint that bears signatures of all the keys.
func open(path string, keys []note.Verifier) (tlog.Tree, error) {
	signed, err := os.ReadFile(path)
	if err != nil {
		return tlog.Tree{}, err
	}
	opened, err := note.Open(signed, note.VerifierList(keys...))
	if err != nil {
		return tlog.Tree{}, err
	}
	for _, key := range keys {
		found := false
		for _, signature := range opened.Sigs {
			found = found || (signature.Name == key.Name() && signature.Hash == key.KeyHash())
		}
		if !found {
			return tlog.Tree{}, fmt.Errorf("no signature of %s", key.Name())
		}
	}
	lines := strings.Split(opened.Text, "\n")
	if len(lines) < 4 || lines[0] != keys[0].Name() {
		return tlog.Tree{}, errors.New("not a checkpoint of this log")
	}
	size, err := strconv.ParseInt(lines[1], 10, 64)
	if err != nil {
		return tlog.Tree{}, err
	}
	root, err := tlog.ParseHash(lines[2])
	return tlog.Tree{N: size, Hash: root}, err
}

func run(arguments []string) error {
	if len(arguments) < 3 {
		return errors.New("usage: interop LOG VKEY STEP [OLDER-CHECKPOINT]")
	}
	log := folder(arguments[0])
	vkey := arguments[1]
	if content, err := os.ReadFile(vkey); err == nil {
		vkey = strings.TrimSpace(string(content))
	}
	step, err := strconv.ParseInt(arguments[2], 10, 64)
	if err != nil || step < 1 {
		return errors.New("STEP is a number from 1 on")
	}
	var keys []note.Verifier
	for _, text := range append([]string{vkey}, strings.Fields(os.Getenv("WITNESSES"))...) {
		key, err := newVerifier(text)
		if err != nil {
			return fmt.Errorf("%s: %w", text, err)
		}
		keys = append(keys, key)
	}
	tree, err := open(filepath.Join(arguments[0], "checkpoint"), keys)
	if err != nil {
		return fmt.Errorf("checkpoint: %w", err)
	}
	reader := tlog.TileHashReader(tree, log)
	root, err := tlog.TreeHash(tree.N, reader)
	if err != nil {
		return fmt.Errorf("tree: %w", err)
	}
	if root != tree.Hash {
		return errors.New("tree: the tiles have another root")
	}
	checked := 0
	var entries [][]byte
	for index, held := int64(0), int64(-1); index < tree.N; index += step {
		if index/width != held {
			held = index / width
			if entries, err = log.bundle(held, tree.N); err != nil {
				return fmt.Errorf("entries: %w", err)
			}
		}
		proof, err := tlog.ProveRecord(tree.N, index, reader)
		if err != nil {
			return fmt.Errorf("entry %d: %w", index, err)
		}
		leaf := tlog.RecordHash(entries[index%width])
		if err := tlog.CheckRecord(proof, tree.N, tree.Hash, index, leaf); err != nil {
			return fmt.Errorf("entry %d: %w", index, err)
		}
		// A proof does not contain the hash of its own leaf, and TileHashReader as of x/mod 0.7 leaves some of the tiles that it reads
		// unauthenticated where several subtrees of the right edge lie in one tile. What stands there is therefore compared as well.
		stored, err := reader.ReadHashes([]int64{tlog.StoredHashIndex(0, index)})
		if err != nil {
			return fmt.Errorf("entry %d: %w", index, err)
		}
		if stored[0] != leaf {
			return fmt.Errorf("entry %d: the tile has another hash", index)
		}
		checked++
	}
	fmt.Printf("tree of %d, %d entries included\n", tree.N, checked)
	if len(arguments) < 4 {
		return nil
	}
	older, err := open(arguments[3], keys[:1])
	if err != nil {
		return fmt.Errorf("older checkpoint: %w", err)
	}
	proof, err := tlog.ProveTree(tree.N, older.N, reader)
	if err != nil {
		return fmt.Errorf("consistency: %w", err)
	}
	if err := tlog.CheckTree(proof, tree.N, tree.Hash, older.N, older.Hash); err != nil {
		return fmt.Errorf("consistency: %w", err)
	}
	fmt.Printf("consistent with the tree of %d\n", older.N)
	return nil
}

func main() {
	if err := run(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

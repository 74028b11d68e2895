// Verify answers questions about notes, proofs and trees with Go's own implementation of them
// (golang.org/x/mod/sumdb), so that the ledger's formats are checked by code that shares nothing with ours.
//
// It reads one JSON question a line and writes one JSON answer a line, in the same order.
// Go's decoder of base64 is lenient and its notes allow what ours refuse; what we promise beyond it is
// checked here in so many words, so that both sides must agree on every input.
package main

import (
	"bufio"
	"bytes"
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"
	"unicode/utf8"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

type question struct {
	Kind    string   // note, proof, bundle, consistency, paths, sign
	Key     string   // vkey; for sign the private key
	Data    []byte   // the note, the proof, the bundle, or the text to sign
	Record  []byte   // of a proof
	Index   int64    // paths: the leaf
	Old     int64    // consistency, paths: sizes
	New     int64    //
	OldRoot []byte   // consistency
	NewRoot []byte   //
	Path    [][]byte //
}

type answer struct {
	Accepted    bool
	Reason      string
	Text        string   // note: the text; sign: the note
	Root        []byte   // paths
	Inclusion   [][]byte //
	Consistency [][]byte //
}

func main() {
	lines := bufio.NewScanner(os.Stdin)
	lines.Buffer(nil, 16<<20)
	out := bufio.NewWriter(os.Stdout)
	defer out.Flush()
	for lines.Scan() {
		var asked question
		var given answer
		err := json.Unmarshal(lines.Bytes(), &asked)
		if err == nil {
			given, err = reply(asked)
		}
		given.Accepted = err == nil
		if err != nil {
			given.Reason = err.Error()
		}
		line, _ := json.Marshal(given)
		out.Write(line)
		out.WriteByte('\n')
	}
	if err := lines.Err(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func reply(asked question) (given answer, err error) {
	switch asked.Kind {
	case "note":
		given.Text, err = openNote(asked.Data, asked.Key)
	case "proof":
		err = checkProof(asked.Data, asked.Record, asked.Key)
	case "bundle":
		err = checkBundle(asked.Data, asked.Key)
	case "consistency":
		err = checkConsistency(asked)
	case "paths":
		return makePaths(asked)
	case "sign":
		var signer note.Signer
		if signer, err = note.NewSigner(asked.Key); err == nil {
			var signed []byte
			signed, err = note.Sign(&note.Note{Text: string(asked.Data)}, signer)
			given.Text = string(signed)
		}
	default:
		err = errors.New("unknown question")
	}
	return given, err
}

func decode(text string) ([]byte, error) {
	data, err := base64.StdEncoding.Strict().DecodeString(text)
	if err == nil && base64.StdEncoding.EncodeToString(data) != text {
		err = errors.New("base64 is not canonical")
	}
	return data, err
}

func decimal(text string) (int64, error) {
	number, err := strconv.ParseInt(text, 10, 64)
	if err == nil && (number < 0 || strconv.FormatInt(number, 10) != text) {
		err = errors.New("number is not canonical")
	}
	return number, err
}

func hash(data []byte) (tlog.Hash, error) {
	var made tlog.Hash
	if len(data) != tlog.HashSize {
		return made, errors.New("hash is not 32 bytes")
	}
	copy(made[:], data)
	return made, nil
}

func openNote(data []byte, vkey string) (string, error) {
	verifier, err := note.NewVerifier(vkey)
	if err != nil {
		return "", err
	}
	opened, err := note.Open(data, note.VerifierList(verifier))
	if err != nil {
		return "", err
	}
	for rest := data; len(rest) > 0; {
		char, width := utf8.DecodeRune(rest)
		if char >= 0x7f && char <= 0x9f {
			return "", errors.New("control character")
		}
		rest = rest[width:]
	}
	known := 0
	block := data[bytes.LastIndex(data, []byte("\n\n"))+2:]
	for _, line := range strings.Split(strings.TrimSuffix(string(block), "\n"), "\n") {
		words := strings.Split(line, " ")
		signature, err := decode(words[len(words)-1])
		if err != nil || len(words) != 3 {
			return "", errors.New("signature line is not exact")
		}
		if words[1] == verifier.Name() && binary.BigEndian.Uint32(signature) == verifier.KeyHash() {
			known++
		}
	}
	if known != 1 {
		return "", errors.New("the key signed more than once")
	}
	return opened.Text, nil
}

func checkProof(data, record []byte, vkey string) error {
	end := bytes.Index(data, []byte("\n\n"))
	if end < 0 {
		return errors.New("no checkpoint")
	}
	lines := strings.Split(string(data[:end]), "\n")
	if lines[0] != "c2sp.org/tlog-proof@v1" || len(lines) < 2 {
		return errors.New("not a proof")
	}
	lines = lines[1:]
	if strings.HasPrefix(lines[0], "extra ") {
		extra, err := decode(strings.TrimPrefix(lines[0], "extra "))
		if err != nil || len(extra) == 0 {
			return errors.New("extra is not exact")
		}
		lines = lines[1:]
	}
	if len(lines) == 0 || !strings.HasPrefix(lines[0], "index ") {
		return errors.New("no index")
	}
	index, err := decimal(strings.TrimPrefix(lines[0], "index "))
	if err != nil {
		return err
	}
	var path tlog.RecordProof
	for _, line := range lines[1:] {
		raw, err := decode(line)
		if err != nil {
			return err
		}
		each, err := hash(raw)
		if err != nil {
			return err
		}
		path = append(path, each)
	}
	_, size, root, err := openCheckpoint(data[end+2:], vkey)
	if err != nil {
		return err
	}
	return tlog.CheckRecord(path, size, root, index, tlog.RecordHash(record))
}

func openCheckpoint(data []byte, vkey string) (origin string, size int64, root tlog.Hash, err error) {
	text, err := openNote(data, vkey)
	if err != nil {
		return "", 0, root, err
	}
	parts := strings.Split(text, "\n")
	if len(parts) != 4 || parts[3] != "" || !strings.HasPrefix(vkey, parts[0]+"+") {
		return "", 0, root, errors.New("checkpoint is not three lines of this origin")
	}
	size, err = decimal(parts[1])
	if err != nil {
		return "", 0, root, err
	}
	data, err = decode(parts[2])
	if err != nil {
		return "", 0, root, err
	}
	root, err = hash(data)
	return parts[0], size, root, err
}

func checkConsistency(asked question) error {
	oldRoot, err := hash(asked.OldRoot)
	if err != nil {
		return err
	}
	newRoot, err := hash(asked.NewRoot)
	if err != nil {
		return err
	}
	var path tlog.TreeProof
	for _, raw := range asked.Path {
		each, err := hash(raw)
		if err != nil {
			return err
		}
		path = append(path, each)
	}
	return tlog.CheckTree(path, asked.New, newRoot, asked.Old, oldRoot)
}

// stored are the hashes of the tree over the records "record 0", "record 1" …, as far as asked for.
var stored []tlog.Hash

func makePaths(asked question) (given answer, err error) {
	reader := tlog.HashReaderFunc(func(indexes []int64) ([]tlog.Hash, error) {
		var hashes []tlog.Hash
		for _, index := range indexes {
			hashes = append(hashes, stored[index])
		}
		return hashes, nil
	})
	for number := int64(0); number < asked.New; number++ {
		if tlog.StoredHashCount(number+1) <= int64(len(stored)) {
			continue
		}
		fresh, err := tlog.StoredHashes(number, []byte(fmt.Sprintf("record %d", number)), reader)
		if err != nil {
			return given, err
		}
		stored = append(stored, fresh...)
	}
	root, err := tlog.TreeHash(asked.New, reader)
	if err != nil {
		return given, err
	}
	given.Root = root[:]
	inclusion, err := tlog.ProveRecord(asked.New, asked.Index, reader)
	if err != nil {
		return given, err
	}
	for i := range inclusion {
		given.Inclusion = append(given.Inclusion, inclusion[i][:])
	}
	consistency, err := tlog.ProveTree(asked.New, asked.Old, reader)
	if err != nil {
		return given, err
	}
	for i := range consistency {
		given.Consistency = append(given.Consistency, consistency[i][:])
	}
	return given, nil
}

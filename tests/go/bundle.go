// A whole report bundle: the zip in its one form, the manifest's digests, the record of the export, the tree over
// the records' leaf hashes, and the signed checkpoint. Written from docs/LEDGER.md and the bundle's own VERIFY.md.
//
// Notes, leaf and node hashes and the inclusion of each record are judged by golang.org/x/mod/sumdb.
package main

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"reflect"
	"strings"

	"golang.org/x/mod/sumdb/tlog"
)

type listed struct {
	Bytes  int64  `json:"bytes"`
	Packed string `json:"packed"`
	Sha256 string `json:"sha256"`
}

type manifest struct {
	Count    int64             `json:"count"`
	Filter   string            `json:"filter"`
	First    int64             `json:"first"`
	Form     string            `json:"form"`
	Format   string            `json:"format"`
	Interest string            `json:"interest"`
	Last     int64             `json:"last"`
	Log      string            `json:"log"`
	Made     string            `json:"made"`
	Members  map[string]listed `json:"members"`
	Names    bool              `json:"names"`
	Operator int64             `json:"operator"`
	Origin   string            `json:"origin"`
	Party    string            `json:"party"`
	Purpose  string            `json:"purpose"`
	Reasons  bool              `json:"reasons"`
	Size     int64             `json:"size"`
}

type record struct {
	Action   string                 `json:"action"`
	After    map[string]interface{} `json:"after"`
	At       string                 `json:"at"`
	Batch    string                 `json:"batch"`
	Before   map[string]interface{} `json:"before"`
	Case     int64                  `json:"case"`
	Desk     string                 `json:"desk"`
	Detail   string                 `json:"detail"`
	Index    int64                  `json:"index"`
	Kind     string                 `json:"kind"`
	Log      string                 `json:"log"`
	Operator int64                  `json:"operator"`
	Params   map[string]interface{} `json:"params"`
	Subject  string                 `json:"subject"`
	Ties     map[string]int64       `json:"ties"`
}

// canonical is JSON with sorted keys, no blanks, and only what must be escaped escaped.
func canonical(value interface{}) ([]byte, error) {
	var out bytes.Buffer
	encoder := json.NewEncoder(&out)
	encoder.SetEscapeHTML(false)
	err := encoder.Encode(value)
	text := bytes.TrimSuffix(out.Bytes(), []byte("\n"))
	for _, each := range [][2]string{
		{`\u2028`, "\u2028"}, {`\u2029`, "\u2029"}, {`\u0008`, `\b`}, {`\u000c`, `\f`},
	} {
		text = unescape(text, each[0], each[1])
	}
	return text, err
}

// unescape replaces an escape, but not the same letters behind an escaped backslash.
func unescape(text []byte, escape, by string) []byte {
	var out []byte
	for i := 0; i < len(text); i++ {
		if bytes.HasPrefix(text[i:], []byte(escape)) {
			out = append(out, by...)
			i += len(escape) - 1
		} else if text[i] == '\\' && i+1 < len(text) {
			out = append(out, text[i], text[i+1])
			i++
		} else {
			out = append(out, text[i])
		}
	}
	return out
}

// exact decodes JSON into value and is an error unless it was written in the one form it has.
func exact(data []byte, value interface{}, indent bool) error {
	decoder := json.NewDecoder(bytes.NewReader(data))
	decoder.UseNumber()
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(value); err != nil {
		return err
	}
	again, err := canonical(value)
	if indent && err == nil {
		var out bytes.Buffer
		err = json.Indent(&out, again, "", "  ")
		again = append(out.Bytes(), '\n')
	}
	if err == nil && !bytes.Equal(again, data) {
		err = errors.New("not in its one form")
	}
	return err
}

func lines(data []byte) ([]string, error) {
	if len(data) == 0 {
		return nil, nil
	}
	if data[len(data)-1] != '\n' {
		return nil, errors.New("the last line does not end")
	}
	return strings.Split(string(data[:len(data)-1]), "\n"), nil
}

func digest(data []byte) string {
	sum := sha256.Sum256(data)
	return hex.EncodeToString(sum[:])
}

func checkBundle(data []byte, vkey string) error {
	members, err := unzip(data)
	if err != nil {
		return err
	}
	if len(members) != 7 {
		return errors.New("not seven files")
	}
	at := map[string]member{}
	var names []string
	for i, each := range members {
		at[each.name] = each
		names = append(names, each.name)
		if i > 2 && each.method != 0 {
			return errors.New("a small file is packed")
		}
	}
	report := names[0]
	rest := []string{"records.jsonl", "VERIFY.md", "manifest.json", "disclosure.json", "proofs.txt", "checkpoint.txt"}
	if !reflect.DeepEqual(names[1:], rest) {
		return errors.New("other files")
	}
	note := at["checkpoint.txt"].content
	if bytes.Count(note, []byte("\n")) != 5 {
		return errors.New("another signature")
	}
	origin, size, root, err := openCheckpoint(note, vkey)
	if err != nil {
		return err
	}
	var said manifest
	written := at["manifest.json"].content
	if err := exact(written, &said, true); err != nil {
		return err
	}
	known := map[string]bool{"csv": true, "jsonl": true, "xlsx": true, "html": true}
	if said.Form != "district report 1" || report != "report."+said.Format || !known[said.Format] || said.Origin != origin {
		return errors.New("another form")
	}
	if len(said.Members) != 3 {
		return errors.New("another list of files")
	}
	for _, name := range []string{report, "records.jsonl", "VERIFY.md"} {
		is := listed{int64(len(at[name].content)), digest(at[name].packed), digest(at[name].content)}
		if said.Members[name] != is {
			return errors.New(name + " is another")
		}
	}
	leaves, err := recordLeaves(at["records.jsonl"].content, &said)
	if err != nil {
		return err
	}
	export, err := exportLeaf(at["disclosure.json"].content, written, &said)
	if err != nil {
		return err
	}
	if export.index < said.Size || export.index >= size {
		return errors.New("the export is out of place")
	}
	hashes, err := lines(at["proofs.txt"].content)
	if err != nil {
		return err
	}
	return checkLeaves(append(leaves, export), hashes, size, root)
}

type leaf struct {
	index int64
	hash  tlog.Hash
}

func recordLeaves(data []byte, said *manifest) ([]leaf, error) {
	bodies, err := lines(data)
	if err != nil {
		return nil, err
	}
	var leaves []leaf
	for _, body := range bodies {
		var each record
		if err := exact([]byte(body), &each, false); err != nil {
			return nil, err
		}
		if each.Log != said.Log || each.Index >= said.Size {
			return nil, errors.New("a record of another log")
		}
		leaves = append(leaves, leaf{each.Index, tlog.RecordHash([]byte(body))})
	}
	count := len(leaves)
	if count == 0 || int64(count) != said.Count || leaves[0].index != said.First || leaves[count-1].index != said.Last {
		return nil, errors.New("other records than the manifest's")
	}
	return leaves, nil
}

func exportLeaf(data, written []byte, said *manifest) (leaf, error) {
	body := bytes.TrimSuffix(data, []byte("\n"))
	var export record
	if err := exact(body, &export, false); err != nil {
		return leaf{}, err
	}
	params, _ := canonical(export.Params)
	want, _ := canonical(map[string]interface{}{
		"count": said.Count, "first": said.First, "format": said.Format, "last": said.Last,
		"manifest": digest(written), "names": said.Names, "reasons": said.Reasons, "size": said.Size,
	})
	if len(data) != len(body)+1 || export.Action != "audit.export" || export.Kind != "disclosure" ||
		export.Log != said.Log || export.Operator != said.Operator || export.At != said.Made || !bytes.Equal(params, want) {
		return leaf{}, errors.New("the record of the export does not fit")
	}
	return leaf{export.Index, tlog.RecordHash(body)}, nil
}

type span struct{ start, stop int64 }

// checkLeaves grows the tree from the leaves and the hashes that stand for all the rest, and has Go's own verifier
// judge each leaf's path in it.
func checkLeaves(leaves []leaf, encoded []string, size int64, root tlog.Hash) error {
	var hashes []tlog.Hash
	for _, line := range encoded {
		data, err := decode(line)
		if err != nil {
			return err
		}
		each, err := hash(data)
		if err != nil {
			return err
		}
		hashes = append(hashes, each)
	}
	for i, each := range leaves {
		if each.index < 0 || each.index >= size || (i > 0 && leaves[i-1].index >= each.index) {
			return errors.New("records out of order")
		}
	}
	grown := map[span]tlog.Hash{}
	rest := leaves
	var grow func(start, stop int64) (tlog.Hash, error)
	grow = func(start, stop int64) (made tlog.Hash, err error) {
		switch {
		case len(rest) == 0 || rest[0].index >= stop:
			if len(hashes) == 0 {
				return made, errors.New("too few hashes")
			}
			made, hashes = hashes[0], hashes[1:]
		case stop-start == 1:
			made, rest = rest[0].hash, rest[1:]
		default:
			middle := split(start, stop)
			left, err := grow(start, middle)
			if err != nil {
				return made, err
			}
			right, err := grow(middle, stop)
			if err != nil {
				return made, err
			}
			made = tlog.NodeHash(left, right)
		}
		grown[span{start, stop}] = made
		return made, nil
	}
	if size <= 0 {
		return errors.New("no tree")
	}
	if made, err := grow(0, size); err != nil || made != root || len(hashes) > 0 {
		return errors.New("another root")
	}
	for _, each := range leaves {
		if err := tlog.CheckRecord(path(grown, each.index, size), size, root, each.index, each.hash); err != nil {
			return err
		}
	}
	return nil
}

// split is where RFC 9162 splits: at the largest power of two below the length.
func split(start, stop int64) int64 {
	width := int64(1)
	for width*2 < stop-start {
		width *= 2
	}
	return start + width
}

func path(grown map[span]tlog.Hash, index, size int64) tlog.RecordProof {
	var from []tlog.Hash
	start, stop := int64(0), size
	for stop-start > 1 {
		middle := split(start, stop)
		if index < middle {
			from = append(from, grown[span{middle, stop}])
			stop = middle
		} else {
			from = append(from, grown[span{start, middle}])
			start = middle
		}
	}
	proof := make(tlog.RecordProof, len(from))
	for i, each := range from {
		proof[len(from)-1-i] = each
	}
	return proof
}

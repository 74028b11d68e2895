// The zip of a bundle, read in the one form that it has, and by Go's own reader too, which has to see the same files.
package main

import (
	"archive/zip"
	"bytes"
	"compress/flate"
	"encoding/binary"
	"errors"
	"hash/crc32"
	"io"
)

type member struct {
	name    string
	method  uint16
	packed  []byte
	content []byte
	local   []byte
	central []byte
}

type localHeader struct {
	Signature               uint32
	Version, Flags, Method  uint16
	Time, Date              uint16
	Check, Packed, Size     uint32
	NameLength, ExtraLength uint16
}

type centralHeader struct {
	Signature                              uint32
	MadeBy, Version, Flags, Method         uint16
	Time, Date                             uint16
	Check, Packed, Size                    uint32
	NameLength, ExtraLength, CommentLength uint16
	Disk, Internal                         uint16
	External, Offset                       uint32
}

type endHeader struct {
	Signature           uint32
	Disk, DirectoryDisk uint16
	CountHere, Count    uint16
	Size, Offset        uint32
	CommentLength       uint16
}

func raw(header interface{}, name string) []byte {
	var out bytes.Buffer
	binary.Write(&out, binary.LittleEndian, header)
	out.WriteString(name)
	return out.Bytes()
}

// unzip reads a zip of the one form that a bundle has. Every byte outside the packed data is computed and compared.
func unzip(data []byte) ([]member, error) {
	var members []member
	var directory []byte
	at := 0
	for len(data)-at >= 30 && binary.LittleEndian.Uint32(data[at:]) == 0x04034b50 {
		var head localHeader
		binary.Read(bytes.NewReader(data[at:]), binary.LittleEndian, &head)
		start := at + 30 + int(head.NameLength)
		end := start + int(head.Packed)
		if end > len(data) || (head.Method != 0 && head.Method != 8) {
			return nil, errors.New("a member does not fit")
		}
		made := member{name: string(data[at+30 : start]), method: head.Method, packed: data[start:end]}
		want := localHeader{0x04034b50, 20, 0, head.Method, 0, 0x21, head.Check, head.Packed, head.Size, head.NameLength, 0}
		if !bytes.Equal(raw(want, made.name), data[at:start]) {
			return nil, errors.New("a local header is not in its one form")
		}
		made.content = made.packed
		if head.Method == 8 {
			rest := bytes.NewReader(made.packed)
			limited := io.LimitReader(flate.NewReader(rest), int64(head.Size)+1)
			content, err := io.ReadAll(limited)
			if err != nil || rest.Len() != 0 {
				return nil, errors.New("packed bytes are not exact")
			}
			made.content = content
		}
		if len(made.content) != int(head.Size) || crc32.ChecksumIEEE(made.content) != head.Check {
			return nil, errors.New("a member is not what its header says")
		}
		directory = append(directory, raw(centralHeader{
			0x02014b50, 3<<8 | 20, 20, 0, head.Method, 0, 0x21, head.Check, head.Packed, head.Size,
			head.NameLength, 0, 0, 0, 0, 0100644 << 16, uint32(at),
		}, made.name)...)
		members = append(members, made)
		at = end
	}
	count := uint16(len(members))
	directory = append(directory, raw(endHeader{
		0x06054b50, 0, 0, count, count, uint32(len(directory)), uint32(at), 0,
	}, "")...)
	if !bytes.Equal(directory, data[at:]) {
		return nil, errors.New("the directory is not in its one form")
	}
	return members, sameFiles(members, data)
}

// sameFiles is an error where Go's reader of zips sees other files than ours.
func sameFiles(members []member, data []byte) error {
	other, err := zip.NewReader(bytes.NewReader(data), int64(len(data)))
	if err != nil {
		return err
	}
	if len(other.File) != len(members) {
		return errors.New("another number of files")
	}
	for i, file := range other.File {
		opened, err := file.Open()
		if err != nil {
			return err
		}
		content, err := io.ReadAll(opened)
		if err != nil || file.Name != members[i].name || !bytes.Equal(content, members[i].content) {
			return errors.New("another file")
		}
	}
	return nil
}

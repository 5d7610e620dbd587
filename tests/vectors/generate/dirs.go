package main

import (
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"github.com/opencontainers/go-digest"
	"oras.land/oras-go/v2/content/file"
)

// entry is one thing in a directory tree. The content of a file is Content
// written Repeat times (0 is once).
type entry struct {
	Path    string `json:"path"`
	Type    string `json:"type"`
	Mode    string `json:"mode,omitempty"`
	Content string `json:"content,omitempty"`
	Repeat  int    `json:"repeat,omitempty"`
	Target  string `json:"target,omitempty"`
}

// dirCase is a tree, the name it is added under, and the tar archive of it.
type dirCase struct {
	Name      string        `json:"name"`
	Title     string        `json:"title"`
	RootMode  string        `json:"rootMode"`
	Entries   []entry       `json:"entries"`
	TarDigest digest.Digest `json:"tarDigest"`
	TarSize   int64         `json:"tarSize"`
}

func dirCases(tars string) []dirCase {
	cases := dirInputs()
	for i := range cases {
		cases[i].archive(tars)
	}
	return cases
}

func regular(path, mode, content string) entry {
	return entry{Path: path, Type: "file", Mode: mode, Content: content}
}

func directory(path, mode string) entry {
	return entry{Path: path, Type: "dir", Mode: mode}
}

func symlink(path, target string) entry {
	return entry{Path: path, Type: "symlink", Target: target}
}

func dirInputs() []dirCase {
	hello := regular("hello.txt", "0644", "hello\n")
	long := repeat("d", 60)
	return []dirCase{
		{Name: "empty", Title: "dir"},
		{Name: "root mode", Title: "dir", RootMode: "0700"},
		{Name: "one file", Title: "dir", Entries: []entry{hello}},
		{Name: "title with slashes", Title: "a/b/c", Entries: []entry{hello}},
		{Name: "title is dot", Title: ".", Entries: []entry{hello}},
		{Name: "title is not clean", Title: "./a//b/", Entries: []entry{hello}},
		{Name: "title with space and accent", Title: "my dîr", Entries: []entry{hello}},
		{Name: "empty file", Title: "dir", Entries: []entry{regular("empty", "0644", "")}},
		{Name: "sizes around a block", Title: "dir", Entries: []entry{
			{Path: "511", Type: "file", Mode: "0644", Content: "x", Repeat: 511},
			{Path: "512", Type: "file", Mode: "0644", Content: "x", Repeat: 512},
			{Path: "513", Type: "file", Mode: "0644", Content: "x", Repeat: 513},
			{Path: "65536", Type: "file", Mode: "0644", Content: "0123456789abcdef", Repeat: 4096},
		}},
		{Name: "modes", Title: "dir", Entries: []entry{
			regular("0400", "0400", "a"), regular("0600", "0600", "a"), regular("0755", "0755", "a"), regular("0777", "0777", "a"),
			directory("d0700", "0700"), directory("d0777", "0777"),
		}},
		{Name: "special mode bits", Title: "dir", Entries: []entry{
			regular("setgid", "2755", "a"), regular("setuid", "4755", "a"), directory("setgid-dir", "2755"), directory("sticky-dir", "1777"),
		}},
		{Name: "nested, order of walk", Title: "dir", Entries: []entry{
			directory("a", "0755"), regular("a/z", "0644", "1"), regular("a-b", "0644", "2"), regular("a.b", "0644", "3"), regular("ab", "0644", "4"),
			directory("B", "0755"), regular("B/y", "0644", "5"), directory("a/empty", "0755"), regular("é", "0644", "6"), regular("~", "0644", "7"),
		}},
		{Name: "symlinks", Title: "dir", Entries: []entry{
			hello, directory("sub", "0755"), regular("sub/f", "0644", "f"), symlink("to-file", "hello.txt"), symlink("to-dir", "sub"), symlink("sub/up", "../hello.txt"),
			symlink("dangling", "nowhere"), symlink("outside", "../../etc/passwd"), symlink("absolute", "/etc/passwd"), symlink("dot", "."),
		}},
		{Name: "long symlink target", Title: "dir", Entries: []entry{symlink("link", repeat("t", 150))}},
		{Name: "symlink target with accent", Title: "dir", Entries: []entry{symlink("link", "é")}},
		{Name: "hard links are files", Title: "dir", Entries: []entry{
			regular("a", "0644", "same"), {Path: "b", Type: "hardlink", Target: "a"}, {Path: "c", Type: "hardlink", Target: "a"},
		}},
		{Name: "name of 100 bytes", Title: "dir", Entries: []entry{regular(repeat("n", 96), "0644", "a")}},
		{Name: "name of 101 bytes that splits", Title: "dir", Entries: []entry{regular(repeat("n", 97), "0644", "a")}},
		{Name: "name too long to split", Title: "dir", Entries: []entry{regular(repeat("n", 120), "0644", "a")}},
		{Name: "path that splits", Title: "dir", Entries: []entry{
			directory(long, "0755"), directory(long+"/"+long, "0755"), regular(long+"/"+long+"/f", "0644", "a"),
		}},
		{Name: "path over 256 bytes", Title: "dir", Entries: []entry{
			directory(long, "0755"), directory(long+"/"+long, "0755"), directory(long+"/"+long+"/"+long, "0755"), directory(long+"/"+long+"/"+long+"/"+long, "0755"),
			regular(long+"/"+long+"/"+long+"/"+long+"/"+long, "0644", "a"),
		}},
		{Name: "names beyond ASCII", Title: "dir", Entries: []entry{
			regular("é", "0644", "a"), regular("😀", "0644", "b"), directory("日本", "0755"), regular("日本/語", "0644", "c"),
		}},
		{Name: "odd names", Title: "dir", Entries: []entry{
			regular(" ", "0644", "a"), regular("a\\b", "0644", "b"), regular("a\nb", "0644", "c"), regular("a=b", "0644", "d"), regular("-", "0644", "e"), regular("\"", "0644", "f"),
			regular("..a", "0644", "g"), regular("a\tb é", "0644", "h"),
		}},
	}
}

// archive lays the tree out on disk and has the file store make a tar of it.
func (c *dirCase) archive(tars string) {
	if c.RootMode == "" {
		c.RootMode = "0755"
	}
	if c.Entries == nil {
		c.Entries = []entry{}
	}
	work := must(os.MkdirTemp("", "vectors-dirs-"))
	defer os.RemoveAll(work)
	root := filepath.Join(work, "root")
	check(os.Mkdir(root, 0o700))
	for _, e := range c.Entries {
		e.create(root)
	}
	check(os.Chmod(root, c.mode(c.RootMode)))

	ctx := context.Background()
	store := must(file.New(work))
	defer store.Close()
	store.TarReproducible = true
	desc := must(store.Add(ctx, c.Title, "", root))
	c.TarDigest = digest.Digest(desc.Annotations[file.AnnotationDigest])
	c.TarSize = c.measure(must(store.Fetch(ctx, desc)), tars)
}

// measure gives the size of the archive, and checks that it has the digest
// that the store has written down.
func (c *dirCase) measure(compressed io.ReadCloser, tars string) int64 {
	defer compressed.Close()
	text := must(io.ReadAll(must(gzip.NewReader(compressed))))
	if digest.FromBytes(text) != c.TarDigest {
		check(fmt.Errorf("%s: the archive is not what its annotation says", c.Name))
	}
	if tars != "" {
		check(os.WriteFile(filepath.Join(tars, c.Name+".tar"), text, 0o644))
	}
	return int64(len(text))
}

func (e entry) create(root string) {
	path := filepath.Join(root, filepath.FromSlash(e.Path))
	switch e.Type {
	case "file":
		check(os.WriteFile(path, []byte(strings.Repeat(e.Content, max(e.Repeat, 1))), 0o600))
	case "dir":
		check(os.Mkdir(path, 0o700))
	case "symlink":
		check(os.Symlink(e.Target, path))
		return
	case "hardlink":
		check(os.Link(filepath.Join(root, e.Target), path))
		return
	default:
		check(errors.New(e.Type))
	}
	check(os.Chmod(path, (&dirCase{}).mode(e.Mode)))
}

// mode reads the octal form that chmod takes.
func (*dirCase) mode(octal string) os.FileMode {
	var bits uint32
	must(fmt.Sscanf(octal, "%o", &bits))
	mode := os.FileMode(bits & 0o777)
	for bit, flag := range map[uint32]os.FileMode{0o4000: os.ModeSetuid, 0o2000: os.ModeSetgid, 0o1000: os.ModeSticky} {
		if bits&bit != 0 {
			mode |= flag
		}
	}
	return mode
}

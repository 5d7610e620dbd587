// Command generate writes the test vectors of this project: what oras-go, at
// the version that go.mod pins, does with the inputs written down here.
//
//	go run . [-tars DIR] OUTPUT
package main

import (
	"bytes"
	"encoding/json"
	"flag"
	"log"
	"os"
	"path/filepath"
)

func main() {
	log.SetFlags(0)
	tars := flag.String("tars", "", "also keep the tar archives of the dirs cases in `DIR`")
	flag.Parse()
	if flag.NArg() != 1 {
		log.Fatal("usage: generate [-tars DIR] OUTPUT")
	}
	out := flag.Arg(0)
	docs := &documents{}
	writeLines(filepath.Join(out, "pack", "cases.jsonl"), packCases(docs))
	deprecatedPackDocuments(docs)
	descriptorDocuments(docs)
	manifestDocuments(docs)
	indexDocuments(docs)
	textDocuments(docs)
	layoutDocuments(docs)
	referrersDocuments(docs)
	docs.write(filepath.Join(out, "canonical"))
	writeLines(filepath.Join(out, "references.jsonl"), referenceCases())
	writeLines(filepath.Join(out, "references-in-repository.jsonl"), relativeReferenceCases())
	writeLines(filepath.Join(out, "digests.jsonl"), digestCases())
	writeLines(filepath.Join(out, "platforms.jsonl"), platformCases())
	writeLines(filepath.Join(out, "referrers-tags.jsonl"), referrersTagCases())
	writeLines(filepath.Join(out, "dirs", "cases.jsonl"), dirCases(*tars))
}

// writeLines writes one JSON document a line.
func writeLines[T any](path string, lines []T) {
	var text bytes.Buffer
	encoder := json.NewEncoder(&text)
	encoder.SetEscapeHTML(false)
	for _, line := range lines {
		check(encoder.Encode(line))
	}
	check(os.MkdirAll(filepath.Dir(path), 0o755))
	check(os.WriteFile(path, text.Bytes(), 0o644))
}

// check ends the program: a vector that cannot be made must not go unseen.
func check(err error) {
	if err != nil {
		log.Output(2, err.Error())
		os.Exit(1)
	}
}

func must[T any](value T, err error) T {
	check(err)
	return value
}

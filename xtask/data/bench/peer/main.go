// Command peer is the other side of every benchmark: oras-go doing what our client does, under the same words.
// It also holds what a fair race needs: a stopwatch for processes, a proxy that counts requests, and makers of content.
package main

import (
	"context"
	"fmt"
	"os"
	"strconv"
)

// A word after `peer`, with the words it takes.
type command struct {
	usage string
	words int // at least
	run   func(ctx context.Context, words []string) error
}

// Places are `host:port/repository:tag` (plain HTTP) or `oci:directory:tag`.
var commands = map[string]command{
	// What is measured.
	"push":      {"push PLACE PATH…: packs files and directories, and pushes them", 2, push},
	"pull":      {"pull PLACE DIRECTORY: pulls an artifact's files", 2, pull},
	"copy":      {"copy PLACE PLACE: copies what a tag names", 2, copyTag},
	"extended":  {"extended PLACE PLACE: copies what a tag names and all that refers to it", 2, extended},
	"referrers": {"referrers DIRECTORY COUNT: adds referrers to a layout and lists them", 2, referrers},
	"add":       {"add DIRECTORY: packs a directory and prints its digest", 1, add},

	// What measures.
	"measure": {"measure COMMAND…: runs a command and prints its wall time, CPU time and memory", 1, measure},
	"first":   {"first COMMAND…: runs a command, HOST in its words being a server, and prints when that is first asked", 1, first},
	"proxy":   {"proxy TARGET DELAY: counts requests on the way to a server, and delays each answer", 2, proxy},

	// What there is to move.
	"make-files":     {"make-files DIRECTORY COUNT SIZE: files in a directory", 3, makeFiles},
	"make-tree":      {"make-tree DIRECTORY COUNT SIZE: files that compress, in directories of a hundred", 3, makeTree},
	"make-layers":    {"make-layers PLACE COUNT SIZE: an image of layers", 3, makeLayers},
	"make-images":    {"make-images PLACE COUNT: an index of small images", 2, makeImages},
	"make-referrers": {"make-referrers PLACE COUNT: an image, and artifacts that refer to it", 2, makeReferrers},
}

// concurrency is that of both sides: the default of oras-go, unless BENCH_CONCURRENCY says something else.
func concurrency() int {
	if number, err := strconv.Atoi(os.Getenv("BENCH_CONCURRENCY")); err == nil {
		return number
	}
	return 3
}

func main() {
	if len(os.Args) < 2 {
		fail(fmt.Errorf("no command"))
	}
	command, known := commands[os.Args[1]]
	words := os.Args[2:]
	if !known || len(words) < command.words {
		for _, command := range commands {
			fmt.Fprintln(os.Stderr, command.usage)
		}
		os.Exit(2)
	}
	if err := command.run(context.Background(), words); err != nil {
		fail(err)
	}
}

func fail(err error) {
	fmt.Fprintln(os.Stderr, "peer:", err)
	os.Exit(1)
}

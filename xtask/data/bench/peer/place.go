package main

import (
	"context"
	"fmt"
	"strings"

	"oras.land/oras-go/v2"
	"oras.land/oras-go/v2/content/oci"
	"oras.land/oras-go/v2/registry/remote"
)

// open gives a target and the tag in it.
func open(ctx context.Context, place string) (oras.GraphTarget, string, error) {
	if layout, isLayout := strings.CutPrefix(place, "oci:"); isLayout {
		cut := strings.LastIndex(layout, ":")
		if cut < 0 {
			return nil, "", fmt.Errorf("%s: expected oci:directory:tag", place)
		}
		store, err := oci.NewWithContext(ctx, layout[:cut])
		return store, layout[cut+1:], err
	}
	repository, err := remote.NewRepository(place)
	if err != nil {
		return nil, "", err
	}
	repository.PlainHTTP = true
	return repository, repository.Reference.Reference, nil
}

// openBoth gives two targets and the tags in them.
func openBoth(ctx context.Context, words []string) (from, to oras.GraphTarget, fromTag, toTag string, err error) {
	if from, fromTag, err = open(ctx, words[0]); err != nil {
		return
	}
	to, toTag, err = open(ctx, words[1])
	return
}

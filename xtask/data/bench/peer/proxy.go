package main

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"net/http/httputil"
	"net/url"
	"strings"
	"sync/atomic"
	"time"
)

// proxy stands before a server and prints where. `HEAD /-/requests` answers how many requests came so far, and how many of
// them wrote an index of referrers; it does not count itself.
func proxy(_ context.Context, words []string) error {
	delay, err := time.ParseDuration(words[1])
	if err != nil {
		return err
	}
	target := &url.URL{Scheme: "http", Host: words[0]}
	transport := &http.Transport{MaxIdleConnsPerHost: 64, DisableCompression: true}
	forward := &httputil.ReverseProxy{
		Transport: transport,
		// The server makes its absolute locations of the host it was asked for: they lead here again.
		Rewrite: func(r *httputil.ProxyRequest) { r.SetURL(target); r.Out.Host = r.In.Host },
		ModifyResponse: func(*http.Response) error {
			time.Sleep(delay)
			return nil
		},
	}
	var count, indexes atomic.Int64
	handler := func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/-/requests" {
			w.Header().Set("X-Requests", fmt.Sprint(count.Load()))
			w.Header().Set("X-Referrer-Indexes", fmt.Sprint(indexes.Load()))
			return
		}
		count.Add(1)
		// A tag made of a digest names the index that stands in for the referrers API.
		if r.Method == http.MethodPut && strings.Contains(r.URL.Path, "/manifests/sha256-") {
			indexes.Add(1)
		}
		forward.ServeHTTP(w, r)
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	fmt.Println(listener.Addr().(*net.TCPAddr).Port)
	return http.Serve(listener, http.HandlerFunc(handler))
}

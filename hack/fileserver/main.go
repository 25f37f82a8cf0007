// SPDX-License-Identifier: Apache-2.0

// Command fileserver serves one file on loopback until it is killed, for imports on a machine of one's own.
// It writes the file's URL to --url-file once it serves.
package main

import (
	"flag"
	"log"
	"net"
	"net/http"
	"os"
	"path/filepath"
)

func main() {
	log.SetFlags(0)
	urlFile := flag.String("url-file", "", "file that the URL is written to")
	flag.Parse()
	if flag.NArg() != 1 || *urlFile == "" {
		log.Fatal("usage: fileserver --url-file=FILE PATH")
	}
	if err := serve(flag.Arg(0), *urlFile); err != nil {
		log.Fatal(err)
	}
}

func serve(path, urlFile string) error {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	name := filepath.Base(path)
	mux := http.NewServeMux()
	mux.HandleFunc("/"+name, func(w http.ResponseWriter, r *http.Request) { http.ServeFile(w, r, path) })
	if err := os.WriteFile(urlFile, []byte("http://"+listener.Addr().String()+"/"+name+"\n"), 0o644); err != nil {
		return err
	}
	return http.Serve(listener, mux)
}

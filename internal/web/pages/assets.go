package pages

import (
	"bytes"
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"fmt"
	"io/fs"
	"mime"
	"net/http"
	"path"
	"strings"
	"sync"
	"time"
)

//go:embed assets
var assetFiles embed.FS

// The stylesheet is one asset, style.css, written in pieces: style/*.css in the
// order of their names. A page that needs rules of its own has a piece of its own.
//
//go:embed style
var styleFiles embed.FS

// AssetsPath is where the assets are served.
const AssetsPath = "/assets/"

// Asset is the path of an asset: its name with its hash in it.
func Asset(name string) (string, error) {
	all, err := assets()
	if err != nil {
		return "", err
	}
	address, known := all.address[name]
	if !known {
		return "", fmt.Errorf("there is no asset called %q", name)
	}
	return address, nil
}

// Assets serves what Asset names, and nothing else.
func Assets() http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		all, err := assets()
		if err != nil {
			http.Error(w, "the assets cannot be read", http.StatusInternalServerError)
			return
		}
		name, known := all.name[r.URL.Path]
		if !known {
			http.NotFound(w, r)
			return
		}
		w.Header().Set("Content-Type", typeOf(name))
		w.Header().Set("Cache-Control", "public, max-age=31536000, immutable")
		http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(all.content[name]))
	})
}

type assetSet struct {
	address map[string]string // name to path
	name    map[string]string // path to name
	content map[string][]byte
}

var assets = sync.OnceValues(func() (assetSet, error) {
	set := assetSet{map[string]string{}, map[string]string{}, map[string][]byte{}}
	entries, err := assetFiles.ReadDir("assets")
	if err != nil {
		return set, err
	}
	for _, entry := range entries {
		content, err := assetFiles.ReadFile(path.Join("assets", entry.Name()))
		if err != nil {
			return set, err
		}
		set.add(entry.Name(), content)
	}
	style, err := stylesheet()
	if err != nil {
		return set, err
	}
	set.add("style.css", style)
	return set, nil
})

func (s assetSet) add(name string, content []byte) {
	sum := sha256.Sum256(content)
	extension := path.Ext(name)
	address := AssetsPath + strings.TrimSuffix(name, extension) + "." + hex.EncodeToString(sum[:6]) + extension
	s.address[name], s.name[address], s.content[name] = address, name, content
}

func stylesheet() ([]byte, error) {
	pieces, err := fs.Glob(styleFiles, "style/*.css")
	if err != nil {
		return nil, err
	}
	var style bytes.Buffer
	for _, piece := range pieces {
		content, err := styleFiles.ReadFile(piece)
		if err != nil {
			return nil, err
		}
		style.Write(content)
		style.WriteByte('\n')
	}
	return style.Bytes(), nil
}

// typeOf is the media type of an asset. What computers say of .js differs, so
// the two that matter are said here.
func typeOf(name string) string {
	switch extension := path.Ext(name); extension {
	case ".js":
		return "text/javascript; charset=utf-8"
	case ".css":
		return "text/css; charset=utf-8"
	default:
		return mime.TypeByExtension(extension)
	}
}

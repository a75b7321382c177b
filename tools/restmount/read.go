package restmount

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"github.com/getkin/kin-openapi/openapi3"
)

// maxFiles bounds how many files a document may be made of.
const maxFiles = 3000

// library reads a document and what it refers to: files in its folder, or addresses at
// its own host, all together within the bound.
type library struct {
	room  int64
	files int
	read  func(*url.URL) (io.ReadCloser, error)
}

var errTooLarge = errors.New("with all that it refers to it is larger than max_spec")

func (l *library) get(location *url.URL) ([]byte, error) {
	if l.files++; l.files > maxFiles {
		return nil, fmt.Errorf("it is made of more than %d files", maxFiles)
	}
	in, err := l.read(location)
	if err != nil {
		return nil, err
	}
	defer func() { _ = in.Close() }()
	data, err := io.ReadAll(io.LimitReader(in, l.room+1))
	if err != nil {
		return nil, errors.New("it breaks off") // the cause may hold the address
	}
	if l.room -= int64(len(data)); l.room < 0 {
		return nil, errTooLarge
	}
	return data, nil
}

// load reads the document of the settings.
func (a *API) load(ctx context.Context) (*openapi3.T, *url.URL, error) {
	var at *url.URL
	l := &library{room: a.settings.MaxSpec}
	if a.settings.Remote() {
		var err error
		if at, err = url.Parse(a.settings.Spec); err != nil {
			return nil, nil, errors.New("the document's address is no URL")
		}
		l.read = func(location *url.URL) (io.ReadCloser, error) { return a.fetch(ctx, at, location) }
	} else {
		folder, err := os.OpenRoot(filepath.Dir(a.settings.Spec))
		if err != nil {
			return nil, nil, fmt.Errorf("opening the document's folder: %w", err)
		}
		defer func() { _ = folder.Close() }()
		at = &url.URL{Path: "/" + filepath.Base(a.settings.Spec)}
		l.read = func(location *url.URL) (io.ReadCloser, error) { return openIn(folder, location) }
	}
	doc, err := parse(ctx, l, at)
	if err != nil {
		return nil, nil, fmt.Errorf("%s", a.clean.line(err.Error(), 500))
	}
	return doc, at, nil
}

// openIn opens a file below the folder, and no other.
func openIn(folder *os.Root, location *url.URL) (io.ReadCloser, error) {
	if location.Scheme != "" || location.Host != "" {
		return nil, fmt.Errorf("it refers to another host, %q; only files in its own folder are read", location.Host)
	}
	return folder.Open(filepath.FromSlash(strings.TrimPrefix(location.Path, "/")))
}

// fetch gets an address at the document's own host.
func (a *API) fetch(ctx context.Context, home, location *url.URL) (io.ReadCloser, error) {
	if location.Scheme != home.Scheme || location.Host != home.Host {
		return nil, fmt.Errorf("it refers to another host, %q; only its own is asked", location.Host)
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, location.String(), nil)
	if err != nil {
		return nil, errors.New("its address cannot be asked")
	}
	request.Header.Set("Accept", "application/json, application/yaml, text/yaml, */*;q=0.5")
	request.Header.Set("User-Agent", agent)
	answer, err := a.document.Do(request)
	if err != nil {
		return nil, fmt.Errorf("asking for it: %w", bare(err))
	}
	if answer.StatusCode != http.StatusOK {
		_ = answer.Body.Close()
		return nil, fmt.Errorf("asking for it: the answer is %s", answer.Status)
	}
	return answer.Body, nil
}

// bare is an error of an exchange without the address, which may hold a secret.
func bare(err error) error {
	var about *url.Error
	if errors.As(err, &about) {
		return about.Err
	}
	return err
}

var swagger2 = regexp.MustCompile(`(?m)^swagger\s*:\s*["']?2|"swagger"\s*:\s*"2`)

// parse makes the document of its bytes and those of what it refers to. A document that
// makes the library panic is a bad document.
func parse(ctx context.Context, l *library, at *url.URL) (doc *openapi3.T, err error) {
	defer func() {
		if fault := recover(); fault != nil {
			doc, err = nil, fmt.Errorf("reading the document: it makes no sense (%v)", fault)
		}
	}()
	data, err := l.get(at)
	if err != nil {
		return nil, fmt.Errorf("reading the document: %w", err)
	}
	if err := plainYAML(data); err != nil {
		return nil, fmt.Errorf("reading the document: %w", err)
	}
	loader := openapi3.NewLoader()
	loader.Context = ctx
	loader.IsExternalRefsAllowed = true
	loader.ReadFromURIFunc = func(_ *openapi3.Loader, location *url.URL) ([]byte, error) {
		data, err := l.get(location)
		if err == nil {
			err = plainYAML(data)
		}
		return data, err
	}
	doc, err = loader.LoadFromDataWithPath(data, at)
	old := swagger2.Match(data[:min(len(data), 64<<10)])
	switch {
	case old:
		return nil, errors.New("this is a document of Swagger 2.0; want OpenAPI 3.0 or 3.1, which converters make of it")
	case err != nil:
		return nil, fmt.Errorf("reading the document: %w", err)
	case doc == nil || doc.OpenAPI == "":
		return nil, errors.New("this is no OpenAPI document: it has no member openapi")
	case !slices.Contains([]string{"3.0", "3.1"}, doc.OpenAPIMajorMinor()):
		return nil, fmt.Errorf("this is a document of OpenAPI %.20q; want 3.0 or 3.1", doc.OpenAPI)
	case doc.Paths == nil || doc.Paths.Len() == 0:
		return nil, errors.New("the document has no paths")
	}
	return doc, nil
}

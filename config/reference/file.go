package reference

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strings"
)

// mounted are the folders where Docker, Podman and Kubernetes put secrets, readable for
// everybody by default: in the container there is nobody else.
var mounted = []string{"/run/secrets/", "/var/run/secrets/"}

// readFile reads a secret from a file, without the one line end behind it.
//
// A file that everybody on the machine may write is refused, since anybody could say who
// may come in; one that everybody may read is warned of and not refused, because that is
// how secrets are mounted into containers by default, and refusing would only have people
// copy them.
func readFile(path string) (value, warning string, err error) {
	if path == "" || strings.TrimSpace(path) != path {
		return "", "", errors.New("want the path of a file, such as ${file:/run/secrets/x}")
	}
	info, err := os.Stat(path) // before it is opened: a pipe would have us wait
	if err != nil {
		return "", "", withoutPath(err)
	}
	if !info.Mode().IsRegular() {
		return "", "", errors.New("it is no regular file")
	}
	file, err := os.Open(path)
	if err != nil {
		return "", "", withoutPath(err)
	}
	defer file.Close()
	if info, err = file.Stat(); err != nil { // of what is read, should it have been replaced
		return "", "", withoutPath(err)
	}
	if warning, err = mayHold(path, info.Mode().Perm()); err != nil {
		return "", "", err
	}
	text, err := io.ReadAll(io.LimitReader(file, MaxSize+3)) // and a line end
	if err != nil {
		return "", "", withoutPath(err)
	}
	return withoutLineEnd(string(text)), warning, nil
}

// mayHold judges whether a file with these rights may hold a secret.
func mayHold(path string, mode fs.FileMode) (warning string, err error) {
	if runtime.GOOS == "windows" { // whose rights are not these bits
		return "", nil
	}
	if mode&0o002 != 0 {
		return "", fmt.Errorf("everybody on this machine may write the file (mode %04o), and so say what the secret is; run: chmod o-w %s", mode, path)
	}
	if mode&0o004 == 0 {
		return "", nil
	}
	if absolute, err := filepath.Abs(path); err == nil {
		for _, folder := range mounted {
			if strings.HasPrefix(absolute, folder) {
				return "", nil
			}
		}
	}
	return fmt.Sprintf("everybody on this machine may read the file (mode %04o); run: chmod o-r %s", mode, path), nil
}

func withoutLineEnd(text string) string {
	if cut, ok := strings.CutSuffix(text, "\n"); ok {
		return strings.TrimSuffix(cut, "\r")
	}
	return text
}

// withoutPath drops what the reference says already.
func withoutPath(err error) error {
	var cause *fs.PathError
	if errors.As(err, &cause) {
		return cause.Err
	}
	return err
}

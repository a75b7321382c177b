package sqlite

import (
	"errors"
	"io/fs"
	"net/url"
	"os"
	"runtime"
	"strings"

	sqlitelib "modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"
)

// copier is what the driver's connections are besides what database/sql knows of them.
type copier interface {
	NewBackup(to string) (*sqlitelib.Backup, error)
}

func uriOf(path string) string { return "file:" + (&url.URL{Path: path}).EscapedPath() }

// ofAnotherKind says in our words that a file is no SQLite database.
func ofAnotherKind(err error) error {
	if codeOf(err) == sqlite3.SQLITE_NOTADB {
		return errors.New("it is a file of another kind, not a SQLite database")
	}
	return err
}

// quoteName makes a name from the schema part of a statement.
func quoteName(name string) string { return `"` + strings.ReplaceAll(name, `"`, `""`) + `"` }

// nameToo gives a file a second name, which must not be there; where the file system has
// no such thing, the second takes the place of the first.
func nameToo(path, second string) error {
	err := os.Link(path, second)
	if err == nil || errors.Is(err, fs.ErrExist) {
		return err
	}
	if _, there := os.Lstat(second); !errors.Is(there, fs.ErrNotExist) {
		return errors.Join(there, err)
	}
	return os.Rename(path, second)
}

// nameNew renames a file to a name that must not be there.
func nameNew(path, name string) error {
	if err := nameToo(path, name); err != nil {
		return err
	}
	if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}

// syncFolder has the names in a folder on disk. Windows keeps them by itself, and opens
// no folders.
func syncFolder(path string) error {
	if runtime.GOOS == "windows" {
		return nil
	}
	folder, err := os.Open(path)
	if err != nil {
		return err
	}
	return errors.Join(folder.Sync(), folder.Close())
}

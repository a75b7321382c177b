package reference

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os/exec"
	"strings"
	"time"
)

// passed are the variables that a command is given: what programs need to find their own
// settings, and none that is likely to hold a secret. A command that needs more is put
// into a script, which sets it.
var passed = []string{"PATH", "HOME", "USER", "LOGNAME", "LANG", "LC_ALL", "TZ", "TMPDIR", "XDG_CONFIG_HOME", "XDG_RUNTIME_DIR", "SYSTEMROOT"}

// run gives what a command writes to its standard output, without white space around it.
func (r *Reader) run(line string) (string, error) {
	argv, err := Split(line)
	if err != nil {
		return "", err
	}
	ctx, cancel := context.WithTimeout(r.ctx, r.o.Timeout)
	defer cancel()
	var out, complaint bounded
	out.most, out.full, complaint.most = MaxSize+1, cancel, 4<<10
	cmd := exec.CommandContext(ctx, argv[0], argv[1:]...)
	cmd.Env = r.environment()
	cmd.Stdout, cmd.Stderr = &out, &complaint
	cmd.WaitDelay = time.Second // for children of its own that hold on to its output
	ownGroup(cmd)
	err = cmd.Run()
	switch {
	case out.cut:
		return "", fmt.Errorf("the command wrote more than %d KiB, which no secret is", MaxSize>>10)
	case r.ctx.Err() != nil:
		return "", r.ctx.Err()
	case ctx.Err() != nil:
		return "", fmt.Errorf("the command did not end within %v; it gets no input and must not ask for any%s", r.o.Timeout, said(complaint))
	case err != nil:
		return "", fmt.Errorf("the command did not succeed: %w%s", explained(err), said(complaint))
	}
	return strings.TrimSpace(out.text.String()), nil
}

// said is what the command wrote about itself. What it wrote to its standard output may be
// the secret, or a part of it, and is never shown.
func said(complaint bounded) string {
	if text := shown(complaint.text.String()); text != "" {
		return "; it says: " + text
	}
	return ""
}

func explained(err error) error {
	var cause *exec.Error
	if errors.As(err, &cause) {
		return fmt.Errorf("%w: want the name of a program in PATH, or its path; there is no shell", cause.Err)
	}
	return err
}

func (r *Reader) environment() []string {
	env := []string{} // an empty list, not nil, which would be all of ours
	for _, name := range passed {
		if value, ok := r.o.Lookup(name); ok {
			env = append(env, name+"="+value)
		}
	}
	return env
}

// Split makes a command's arguments of a line. Blanks and tabs separate them; what stands
// between two ' or two " belongs to one argument as it is, blanks and the other kind of
// quote included. Nothing else has a meaning: no \, no $, no *, no |.
func Split(line string) ([]string, error) {
	var argv []string
	var word strings.Builder
	begun := false
	for rest := line; rest != ""; {
		c := rest[0]
		rest = rest[1:]
		switch c {
		case ' ', '\t':
			if begun {
				argv = append(argv, word.String())
			}
			begun = false
			word.Reset()
		case '\'', '"':
			quoted, after, closed := strings.Cut(rest, string(c))
			if !closed {
				return nil, fmt.Errorf("a %c is not closed", c)
			}
			word.WriteString(quoted)
			begun, rest = true, after
		default:
			word.WriteByte(c)
			begun = true
		}
	}
	if begun {
		argv = append(argv, word.String())
	}
	if len(argv) == 0 || argv[0] == "" {
		return nil, errors.New("want a command, such as ${exec:pass show drawbridge/stripe}")
	}
	return argv, nil
}

// bounded keeps the first bytes of what is written to it.
type bounded struct {
	text bytes.Buffer
	most int
	cut  bool
	full func() // what to do when there is more; may be nil
}

func (b *bounded) Write(p []byte) (int, error) {
	fits := min(len(p), b.most-b.text.Len())
	b.text.Write(p[:fits])
	if fits < len(p) && !b.cut {
		b.cut = true
		if b.full != nil {
			b.full()
		}
	}
	return len(p), nil
}

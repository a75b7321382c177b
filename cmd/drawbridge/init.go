package main

import (
	"errors"
	"fmt"
	"os"

	"github.com/spf13/cobra"

	"drawbridge/config"
)

func initCommand(c *console) *cobra.Command {
	return &cobra.Command{
		Use:   "init [FILE]",
		Short: "Write a commented configuration file (drawbridge.yaml)",
		Args:  cobra.MaximumNArgs(1),
		RunE: func(_ *cobra.Command, args []string) error {
			path := "drawbridge.yaml"
			if len(args) == 1 {
				path = args[0]
			}
			file, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
			if errors.Is(err, os.ErrExist) {
				return wrongUse{fmt.Errorf("%s exists and is left as it is; name another file, or move it away first", path)}
			}
			if err != nil {
				return err
			}
			if _, err := file.Write(config.Template()); err != nil {
				return errors.Join(err, file.Close())
			}
			if err := file.Close(); err != nil {
				return err
			}
			_, err = fmt.Fprintf(c.out, "wrote %s; read it, then try: drawbridge check -c %s\n", path, path)
			return err
		},
	}
}

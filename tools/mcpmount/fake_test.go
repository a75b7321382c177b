package mcpmount_test

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"strings"
	"sync"
	"syscall"
	"time"

	"drawbridge/tools/mcpmount"
)

// fake is a server on stdio, spoken raw, so that it can say what no library would.
type fake struct {
	mode string
	mu   sync.Mutex
	out  *bufio.Writer

	version int                        // of the definition that changes
	waiting map[string]json.RawMessage // id of our question to id of the call
}

type wireMessage struct {
	ID     json.RawMessage `json:"id,omitempty"`
	Method string          `json:"method,omitempty"`
	Params json.RawMessage `json:"params,omitempty"`
	Result json.RawMessage `json:"result,omitempty"`
}

func playServer(mode string) {
	f := &fake{mode: mode, out: bufio.NewWriter(os.Stdout), version: 1, waiting: map[string]json.RawMessage{}}
	switch mode {
	case "hang at start":
		select {}
	case "sleeper":
		signal.Ignore(syscall.SIGTERM, syscall.SIGHUP, syscall.SIGINT)
		time.Sleep(time.Minute)
		return
	case "parent":
		playParent()
		return
	case "die at start":
		fmt.Fprintln(os.Stderr, "cannot find my database, password hunter2-hunter2")
		os.Exit(3)
	case "endless line":
		for {
			fmt.Fprint(os.Stdout, strings.Repeat("x", 1<<16))
		}
	case "only junk":
		for range 5000 {
			fmt.Println("still not a message")
		}
	case "junk":
		fmt.Print("Welcome to the server!\n\n\x00\xff{not json\n[1,2]\n\"text\"\n")
	case "stubborn":
		signal.Ignore(syscall.SIGTERM)
	case "grandchild":
		child := exec.Command(os.Args[0], "sleeper")
		child.Stdout, child.Stderr = os.Stdout, os.Stderr
		if err := child.Start(); err != nil {
			panic(err)
		}
		fmt.Fprintf(os.Stderr, "grandchild %d\n", child.Process.Pid)
	case "loud":
		for i := range 3000 {
			fmt.Fprintf(os.Stderr, "line %d of secret hunter2-hunter2 %s\n", i, strings.Repeat("y", 100))
		}
	}
	in := bufio.NewReader(os.Stdin)
	for {
		line, err := in.ReadBytes('\n')
		if err != nil {
			if mode == "stubborn" {
				select {}
			}
			return
		}
		var m wireMessage
		if json.Unmarshal(line, &m) == nil {
			f.take(m)
		}
	}
}

func (f *fake) write(text string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	fmt.Fprintln(f.out, text)
	f.out.Flush()
}

func (f *fake) answer(id json.RawMessage, result string) {
	f.write(fmt.Sprintf(`{"jsonrpc":"2.0","id":%s,"result":%s}`, id, result))
}

func text(s string) string {
	quoted, _ := json.Marshal(s)
	return fmt.Sprintf(`{"content":[{"type":"text","text":%s}]}`, quoted)
}

func (f *fake) take(m wireMessage) {
	switch m.Method {
	case "initialize":
		f.answer(m.ID, `{"protocolVersion":"2025-06-18","capabilities":{"tools":{"listChanged":true}},"serverInfo":{"name":"fake","version":"7"}}`)
	case "tools/list":
		f.list(m)
	case "tools/call":
		f.call(m)
	case "notifications/cancelled":
		fmt.Fprintf(os.Stderr, "cancelled %s\n", m.Params)
	case "": // an answer to a question
		f.answer(f.waiting[string(m.ID)], text(string(m.Result)))
	}
}

func (f *fake) list(m wireMessage) {
	switch f.mode {
	case "hang in list":
		return
	case "duplicates":
		f.answer(m.ID, `{"tools":[{"name":"a","description":"one"},{"name":"a","description":"two"},{"name":"b"},{"name":"b"},7,{"description":"nameless"},{"name":{}}]}`)
	case "garbage":
		f.answer(m.ID, strings.NewReplacer("\n", "", "\t", "").Replace(`{"tools":[
			{"name":"yes","inputSchema":true},{"name":"null","inputSchema":null},{"name":"text","inputSchema":"no"},
			{"name":"deep","inputSchema":{"$ref":"#/nowhere","allOf":[{"if":{}}],"$schema":"urn:x","maximum":1e400}},
			{"name":"has spaces/ü","annotations":"none"},{"name":"`+strings.Repeat("n", 300)+`"}]}`))
	case "endless pages":
		f.answer(m.ID, `{"tools":[],"nextCursor":"`+fmt.Sprint(time.Now().UnixNano())+`"}`)
	case "lists the second time":
		f.mode = "ordinary"
		f.write(fmt.Sprintf(`{"jsonrpc":"2.0","id":%s,"error":{"code":-32603,"message":"busy, key hunter2-hunter2"}}`, m.ID))
	case "same page":
		f.answer(m.ID, `{"tools":[],"nextCursor":"again"}`)
	default:
		var p struct{ Cursor string }
		_ = json.Unmarshal(m.Params, &p)
		if p.Cursor == "" {
			f.answer(m.ID, `{"tools":[{"name":"echo","description":"Says it back.","inputSchema":{"type":"object","x-odd":1.50},"annotations":{"readOnlyHint":true}}],"nextCursor":"2"}`)
			return
		}
		extra := ""
		if f.version > 1 {
			extra = `,{"name":"grown","description":"New."}`
		}
		f.answer(m.ID, fmt.Sprintf(`{"tools":[{"name":"act","description":"Version %d."}%s]}`, f.version, extra))
		switch f.mode {
		case "deaf":
			select {}
		case "closes its input":
			os.Stdin.Close()
			fmt.Fprintln(os.Stderr, "input closed")
			select {}
		}
	}
}

// call does what its argument "do" says.
func (f *fake) call(m wireMessage) {
	var p struct {
		Name      string
		Arguments struct{ Do string }
		Meta      map[string]json.RawMessage `json:"_meta"`
	}
	_ = json.Unmarshal(m.Params, &p)
	switch p.Arguments.Do {
	case "hang":
		fmt.Fprintf(os.Stderr, "hanging in %s\n", m.ID)
	case "die":
		os.Exit(1)
	case "fail":
		f.answer(m.ID, `{"isError":true,"content":[{"type":"text","text":"no such customer; key hunter2-hunter2"}]}`)
	case "error":
		f.write(fmt.Sprintf(`{"jsonrpc":"2.0","id":%s,"error":{"code":%d,"message":"n must be a number"}}`, m.ID, -32602))
	case "unknown":
		f.write(fmt.Sprintf(`{"jsonrpc":"2.0","id":"%s","error":{"code":-32602,"message":"Unknown tool: echo"}}`, m.ID))
	case "internal":
		f.write(fmt.Sprintf(`{"jsonrpc":"2.0","id":%s,"error":{"code":-32603,"message":"it broke"}}`, m.ID))
	case "odd":
		f.answer(m.ID, `{"content":[{"type":"chart","text":{"x":1}},null,{"type":"text","text":"done"}]}`)
	case "nonsense":
		f.answer(m.ID, `["no","result"]`)
	case "environment":
		f.answer(m.ID, text(strings.Join(os.Environ(), "\n")))
	case "progress":
		for i := 1; i <= 3; i++ {
			f.write(fmt.Sprintf(`{"jsonrpc":"2.0","method":"notifications/progress","params":{"progressToken":%s,"progress":%d,"total":3,"message":"step"}}`, p.Meta["progressToken"], i))
		}
		f.answer(m.ID, text("done"))
	case "ask":
		f.waiting[`"q`+string(m.ID)+`"`] = m.ID
		f.write(fmt.Sprintf(`{"jsonrpc":"2.0","id":"q%s","method":"elicitation/create","params":{"message":"Sure?","requestedSchema":{"type":"object"}}}`, m.ID))
	case "ask for a trick":
		f.waiting[`"q`+string(m.ID)+`"`] = m.ID
		f.write(fmt.Sprintf(`{"jsonrpc":"2.0","id":"q%s","method":"elicitation/create","params":{"mode":"url","message":"Sign in","url":"javascript:alert(1)"}}`, m.ID))
	case "ask for a visit":
		f.waiting[`"q`+string(m.ID)+`"`] = m.ID
		f.write(fmt.Sprintf(`{"jsonrpc":"2.0","id":"q%s","method":"elicitation/create","params":{"mode":"url","message":"Sign in","url":"https://example.com/x","elicitationId":"1"}}`, m.ID))
	case "change and be busy":
		f.mode = "lists the second time"
		f.version++
		f.write(`{"jsonrpc":"2.0","method":"notifications/tools/list_changed"}`)
		f.answer(m.ID, text("changed"))
	case "change":
		f.version++
		f.write(`{"jsonrpc":"2.0","method":"notifications/tools/list_changed"}`)
		f.answer(m.ID, text("changed"))
	case "flood":
		for range 20000 {
			f.write(`{"jsonrpc":"2.0","method":"notifications/tools/list_changed"}`)
			f.write(`{"jsonrpc":"2.0","id":1,"method":"sampling/createMessage"}`)
		}
		f.answer(m.ID, text("flooded"))
	case "big":
		f.answer(m.ID, text(strings.Repeat("z", 1<<20)))
	default:
		f.answer(m.ID, fmt.Sprintf(`{"content":[],"structuredContent":{"params":%s,"n":1.000000000000000000001},"_meta":{"x":1}}`, m.Params))
	}
}

// playParent is a program that mounts a server which ends on nothing but SIGKILL.
func playParent() {
	s := onStdio("stubborn")
	m, err := mcpmount.New(s, mcpmount.Options{})
	if err != nil {
		panic(err)
	}
	go m.Run(context.Background())
	<-m.Settled()
	children, err := os.ReadFile(fmt.Sprintf("/proc/self/task/%d/children", os.Getpid()))
	for try := 0; err == nil && len(children) == 0 && try < 64; try++ {
		children, err = childrenOfAnyThread()
	}
	fmt.Printf("child %s\n", strings.TrimSpace(string(children)))
	select {}
}

// childrenOfAnyThread: Linux lists a child with the thread that started it.
func childrenOfAnyThread() ([]byte, error) {
	tasks, err := os.ReadDir("/proc/self/task")
	var all []byte
	for _, task := range tasks {
		some, _ := os.ReadFile("/proc/self/task/" + task.Name() + "/children")
		all = append(all, some...)
	}
	return all, err
}

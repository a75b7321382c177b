package slackdesk

// Wait waits until what was pressed is dealt with.
func (d *Desk) Wait() { d.tasks.Wait() }

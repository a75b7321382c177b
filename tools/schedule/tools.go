package schedule

import "drawbridge/tools"

// Tools makes the family's tools.
func Tools(s *Schedule) []tools.Tool {
	return []tools.Tool{
		tools.Define(tools.Spec{
			Name:  RunTool,
			Title: "Schedule a follow-up",
			Description: "Have yourself run again once, later: to look whether something has happened by then, or to do what cannot be done yet. " +
				"You will see only the prompt you give here, and have the tools you have now. " +
				"Use it for what you can do yourself; what a colleague is to do belongs in a task. Look with schedule_list_runs first, so that nothing is scheduled twice.",
			Effect:     tools.Write,
			Idempotent: true,
		}, s.Run),
		tools.Define(tools.Spec{
			Name:        ListTool,
			Title:       "List follow-ups",
			Description: "Your own follow-ups that are still to come, the next one first: what you asked yourself to do with schedule_run, in this run or in earlier ones, and when.",
			Effect:      tools.Read,
			OfCaller:    true,
			Taints:      true, // a run that had read text from outside may have copied it into a prompt
		}, s.List),
		tools.Define(tools.Spec{
			Name:  CancelTool,
			Title: "Cancel a follow-up",
			Description: "Take back a follow-up of your own that has become needless, before its time. It cannot be taken up again; schedule a new one for that. " +
				"Get the id from schedule_list_runs.",
			Effect:      tools.Write,
			Idempotent:  true,
			Destructive: true,
			Taints:      true,
		}, s.Cancel),
	}
}

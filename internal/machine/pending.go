package machine

import "context"

// Not written yet: what needs a program on the machine. Whoever writes one of
// these takes it out of here.

func (w *Worker) replaceStore(_ context.Context, _ Job, task Task) TaskResult {
	return task.failed(CodeNeedsAgent, "not written yet")
}

func (w *Worker) restartService(_ context.Context, _ Job, task Task) TaskResult {
	return task.failed(CodeNeedsAgent, "not written yet")
}

func (w *Worker) bind(_ context.Context, _ Job, task Task) TaskResult {
	return task.failed(CodeNeedsAgent, "not written yet")
}

func (w *Worker) bindings(context.Context) ([]Binding, error) { return nil, nil }

package reach

import (
	"context"
	"fmt"
	"time"

	"github.com/cartouche-gis/cartouche/internal/agent"
	"github.com/cartouche-gis/cartouche/internal/cloud"
	"github.com/cartouche-gis/cartouche/internal/machine"
	"github.com/cartouche-gis/cartouche/internal/pause"
	"github.com/cartouche-gis/cartouche/internal/secret"
)

const (
	// lookTwice is how often a run command that may not have been taken is
	// looked for before it counts as not there.
	lookTwice = 3
	// lostLooks is how many looks in a row may fail before the end of a run
	// command counts as not known.
	lostLooks = 10
	// maxOutput bounds what is read of an output blob.
	maxOutput = 8 << 20
)

// execute runs one job by one run command and takes it away again.
func (a *agentWay) execute(ctx context.Context, m *atMachine, at Machine, vm cloud.VirtualMachine, job machine.Job) (machine.Report, error) {
	goos, goarch := system(at, vm)
	if goos == "" {
		return machine.Report{}, &Error{Code: ProgramNotToHave, Sentence: "Azure does not say whether the machine runs Windows or Linux."}
	}
	program, err := a.store.program(ctx, a, goos, goarch)
	if err != nil {
		return machine.Report{}, err
	}
	if job.Limit <= 0 || job.Limit > longest {
		job.Limit = limitOf(job)
	}
	m.number++
	name := prefix + a.run + "-observe"
	if len(job.Tasks) > 0 {
		name = prefix + a.run + "-change"
	}
	outputName, jobName := "out-"+word(), "job-"+word()
	sealed, key, err := machine.Seal(job)
	if err != nil {
		return machine.Report{}, &Error{Code: NotThisWay, Sentence: "The job cannot be sent: " + err.Error() + ".", Err: err}
	}
	if err := a.store.blobs.Upload(ctx, a.store.container, jobName, sealed); err != nil {
		return machine.Report{}, ofStorage(ctx, err)
	}
	defer a.store.forget(ctx, jobName)
	command, err := a.command(ctx, program, vm, job, goos, jobName, key, outputName)
	if err != nil {
		return machine.Report{}, err
	}

	m.left[name] = true
	view, made, err := a.await(ctx, at, name, command, len(job.Tasks) > 0)
	if !made {
		delete(m.left, name)
		return machine.Report{}, err
	}
	defer a.remove(ctx, m, at, name)
	if err != nil {
		return machine.Report{}, err
	}
	return a.read(ctx, view, outputName, key, len(job.Tasks) > 0)
}

// command is the run command of a job, which lies sealed under jobName.
func (a *agentWay) command(ctx context.Context, program uploaded, vm cloud.VirtualMachine, job machine.Job, goos, jobName string, key secret.Secret, outputName string) (cloud.RunCommand, error) {
	fetch, err := a.store.blobs.ReadURL(ctx, a.store.container, program.blob, 30*time.Minute)
	if err != nil {
		return cloud.RunCommand{}, ofStorage(ctx, err)
	}
	output, err := a.store.blobs.AppendURL(ctx, a.store.container, outputName, time.Hour)
	if err != nil {
		return cloud.RunCommand{}, ofStorage(ctx, err)
	}
	fetchJob, err := a.store.blobs.ReadURL(ctx, a.store.container, jobName, 30*time.Minute)
	if err != nil {
		return cloud.RunCommand{}, ofStorage(ctx, err)
	}
	input := agent.Input{URL: fetch, SHA256: program.sha256, Job: fetchJob, Key: key, User: a.options.RunAs.User}
	command := cloud.RunCommand{
		Location: vm.Location, Script: agent.Script(goos), Protected: input.Parameters(goos),
		// The program ends by itself first and still says what it saw.
		Timeout: job.Limit + 2*time.Minute,
		Output:  output, Tags: map[string]string{marked: a.run, ownedBy: owner()},
	}
	// On Linux the script itself starts the program as the user: Run Command would
	// start the script as him, by sudo, which drops the parameters.
	if a.options.RunAs.User != "" && goos == "windows" {
		command.RunAs, command.RunAsPassword = a.options.RunAs.User, a.options.RunAs.Password
	}
	return command, nil
}

// await starts a run command and waits until its script has ended. made is
// false when Azure refused it, so that there is nothing to remove.
func (a *agentWay) await(ctx context.Context, at Machine, name string, command cloud.RunCommand, changes bool) (view cloud.RunCommandView, made bool, err error) {
	operation, err := a.options.Azure.PutRunCommand(ctx, at.ID, name, command)
	switch {
	case err != nil && !cloud.Uncertain(err):
		if ctx.Err() != nil {
			return view, false, gaveUp(ctx, false)
		}
		return view, false, a.refused(ctx, err)
	case ctx.Err() != nil:
		return view, true, gaveUp(ctx, changes)
	case err != nil:
		// The answer was lost. Whether the command runs is told by its name; it
		// is never sent a second time.
		if err := a.find(ctx, at, name, changes, err); err != nil {
			return view, true, err
		}
	}
	patient, cancel := context.WithTimeout(ctx, command.Timeout+grace)
	defer cancel()
	view, err = a.watch(patient, at, name, operation, changes)
	if err != nil && ctx.Err() == nil && patient.Err() != nil {
		err = &Error{Code: TimedOut, Unsure: changes, Sentence: "The machine's Azure agent never said that the program ended; it may be lost, or the machine.",
			Mend: "Look whether the machine runs and its agent is ready: az vm get-instance-view --ids " + cloud.ShellWord(at.ID)}
	}
	return view, true, err
}

// watch looks at a run command until its script has ended.
func (a *agentWay) watch(ctx context.Context, at Machine, name string, operation *cloud.Operation, changes bool) (cloud.RunCommandView, error) {
	lost := 0
	// The first look comes soon: a look at a machine takes seconds.
	for wait := a.options.Interval / 5; ; wait = min(2*wait, a.options.Interval) {
		if err := pause.For(ctx, wait); err != nil {
			return cloud.RunCommandView{}, gaveUp(ctx, changes)
		}
		view, err := a.options.Azure.RunCommand(ctx, at.ID, name)
		switch {
		case ctx.Err() != nil:
			return cloud.RunCommandView{}, gaveUp(ctx, changes)
		case err != nil:
			if lost++; lost < lostLooks && !cloud.IsForbidden(err) && !cloud.IsUnauthorized(err) && !(cloud.IsNotFound(err) && lost >= lookTwice) {
				continue
			}
			e := ofAzure(ctx, err, "How the program fares on the machine cannot be learned.")
			e.Unsure = changes
			if cloud.IsNotFound(err) {
				e.Code, e.Sentence = OutputLost, "The run command is gone: somebody else deleted it while it ran, which cancels it."
			}
			return cloud.RunCommandView{}, e
		case view.Ended():
			return view, nil
		case view.ProvisioningState == "Failed" || view.ProvisioningState == "Canceled":
			// The script never began; why is in the end of the operation.
			if operation != nil {
				if _, err := operation.Wait(ctx); err != nil {
					return cloud.RunCommandView{}, a.refused(ctx, err)
				}
			}
			return cloud.RunCommandView{}, a.judge(view, changes)
		}
		lost = 0
	}
}

// find looks for a run command whose beginning is not certain.
func (a *agentWay) find(ctx context.Context, at Machine, name string, changes bool, lost error) error {
	for range lookTwice {
		_, err := a.options.Azure.RunCommand(ctx, at.ID, name)
		if err == nil {
			return nil
		}
		if pause.For(ctx, a.options.Interval) != nil {
			return gaveUp(ctx, changes)
		}
	}
	e := ofAzure(ctx, lost, "Azure gave no answer when the program was to be started, and does not show it.")
	e.Code, e.Unsure = NoAnswer, changes
	return e
}

// read takes the report out of an ended run command.
func (a *agentWay) read(ctx context.Context, view cloud.RunCommandView, outputName string, key secret.Secret, changes bool) (machine.Report, error) {
	report, err := machine.DecodeReport([]byte(view.Output), key)
	if err == nil {
		return report, nil
	}
	if code, _ := agent.Complaint(view.Errors); code != "" || (view.ExitCode != 0 && view.Output == "") || view.State != "Succeeded" && view.Output == "" {
		return machine.Report{}, a.judge(view, changes)
	}
	// The output was longer than what Azure keeps, whose beginning is cut off.
	whole, blobErr := a.store.blobs.Read(ctx, a.store.container, outputName, maxOutput)
	if ctx.Err() != nil {
		return machine.Report{}, gaveUp(ctx, changes)
	}
	if blobErr == nil {
		// Whoever may read run commands can see where the output goes, and could
		// have put something else there; but not with the job's key.
		if report, err = machine.DecodeReport(whole, key); err == nil {
			return report, nil
		}
		blobErr = err
	}
	if view.State != "Succeeded" {
		return machine.Report{}, a.judge(view, changes)
	}
	e := &Error{Code: OutputLost, Unsure: changes, Err: blobErr,
		Sentence: fmt.Sprintf("The program ended, but its report was lost: the output that Azure shows is cut, and the whole one cannot be had (%s).", plain(blobErr)),
		Mend:     "Look at the machine again; a task that was done already is not done twice."}
	if view.Output == "" && a.options.RunAs.User != "" {
		// Source: azure-powershell#22255 and azure-docs#108621, both of 2023.
		e.Sentence = "Azure shows no output at all of what runs as " + a.options.RunAs.User + "."
		e.Mend = "Leave the service account out, and the program runs as the machine's own account. " + e.Mend
	}
	return machine.Report{}, e
}

// remove deletes a run command, which cancels it if it still runs, also after
// the caller has given up, and makes sure that it is gone.
func (a *agentWay) remove(ctx context.Context, m *atMachine, at Machine, name string) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), waitForRemoval)
	defer cancel()
	if err := a.options.Azure.DeleteRunCommand(ctx, at.ID, name); err != nil {
		return // Close tries once more, and says so when it cannot
	}
	if _, err := a.options.Azure.RunCommand(ctx, at.ID, name); cloud.IsNotFound(err) {
		delete(m.left, name)
	}
}

package reach

import (
	"context"
	"crypto/rand"

	"strings"
	"time"

	"github.com/cartouche-gis/cartouche/internal/cloud"
	"github.com/cartouche-gis/cartouche/internal/deployment"
)

// storeOnce is the container of a run, made when it is first needed.
type storeOnce struct {
	turn      chan struct{} // one at a time; a mutex would not let Ctrl-C through
	blobs     *cloud.Blobs
	container string
	tried     bool // the container may be there
	programs  map[string]uploaded
}

// uploaded is a program that the machines can fetch.
type uploaded struct {
	blob   string
	sha256 string
}

// word is for the names of blobs. They say nothing of the machine, because names
// show up in logs.
func word() string { return strings.ToLower(rand.Text()[:12]) }

// marked and ownedBy are in the metadata of our containers and the tags of our
// run commands: what has them may be removed by a later run, when it is old or
// the process that made it is dead.
const marked, ownedBy = "cartouche", "cartouche_owner"

// program makes the container and uploads the program, each once. Machines of
// the same system wait for one upload.
func (s *storeOnce) program(ctx context.Context, a *agentWay, goos, goarch string) (uploaded, error) {
	select {
	case s.turn <- struct{}{}:
		defer func() { <-s.turn }()
	case <-ctx.Done(): // of a machine that waits for another's upload
		return uploaded{}, ofStorage(ctx, ctx.Err())
	}
	key := goos + "/" + goarch
	if program, done := s.programs[key]; done {
		return program, nil
	}
	program, err := a.options.Build(ctx, goos, goarch)
	if err != nil {
		return uploaded{}, &Error{Code: ProgramNotToHave, Sentence: "The program for the machine cannot be had: " + err.Error() + ".", Err: err}
	}
	if s.blobs == nil {
		blobs, err := a.options.Azure.Blobs(a.options.Storage)
		if err != nil {
			return uploaded{}, &Error{Code: NoStorage, Sentence: "The storage account cannot be used: " + err.Error() + ".", Err: err}
		}
		container := prefix + strings.ToLower(rand.Text()[:20])
		s.tried = true
		s.container = container
		if err := blobs.CreateContainer(ctx, container, map[string]string{marked: a.run, ownedBy: owner()}); err != nil {
			return uploaded{}, ofStorage(ctx, err)
		}
		s.blobs = blobs
		a.tell("storage account " + a.options.Storage.Name + ": made a private container for the program")
		sweepContainers(ctx, blobs, container)
	}
	if err := s.blobs.Upload(ctx, s.container, program.Name, program.Content); err != nil {
		return uploaded{}, ofStorage(ctx, err)
	}
	done := uploaded{blob: program.Name, sha256: program.SHA256}
	if s.programs == nil {
		s.programs = map[string]uploaded{}
	}
	s.programs[key] = done
	return done, nil
}

// forget removes a sealed job as soon as it is done; where that fails it goes
// with its container.
func (s *storeOnce) forget(ctx context.Context, name string) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), waitForRemoval)
	defer cancel()
	_ = s.blobs.DeleteBlob(ctx, s.container, name)
}

// remove takes the container away with all that is in it.
func (s *storeOnce) remove(ctx context.Context) error {
	s.turn <- struct{}{}
	defer func() { <-s.turn }()
	if s.blobs == nil {
		return nil
	}
	err := s.blobs.DeleteContainer(ctx, s.container)
	if err == nil {
		s.blobs, s.programs = nil, nil
	}
	return err
}

// longDead is how old a container of ours must be before another run takes it
// for left behind. No run lasts so long.
const longDead = 24 * time.Hour

// sweepContainers removes containers of runs that ended badly long ago. It is
// done in passing: a failure is the next run's affair.
func sweepContainers(ctx context.Context, blobs *cloud.Blobs, own string) {
	containers, err := blobs.Containers(ctx, prefix)
	if err != nil {
		return
	}
	for _, c := range containers {
		old := !c.Modified.IsZero() && time.Since(c.Modified) > longDead
		if _, ours := c.Metadata[marked]; ours && c.Name != own && (old || orphaned(c.Metadata[ownedBy])) {
			_ = blobs.DeleteContainer(ctx, c.Name)
		}
	}
}

// StorageOf finds the storage account of a deployment: the one that its record
// names, or that the enterprise of Esri's Terraform modules has. The error is
// an *Error, of code [NoStorage] when there is none.
func StorageOf(ctx context.Context, azure *cloud.ResourceManager, d deployment.Deployment) (cloud.StorageAccount, error) {
	if d.Storage != nil && cloud.IsStorageName(d.Storage.Account) && d.Storage.ResourceGroup != "" {
		account, err := azure.StorageAccount(ctx, "/subscriptions/"+d.SubscriptionID+"/resourceGroups/"+d.Storage.ResourceGroup+"/providers/Microsoft.Storage/storageAccounts/"+d.Storage.Account)
		if err != nil {
			return cloud.StorageAccount{}, ofAzure(ctx, err, "The deployment's storage account "+d.Storage.Account+" could not be read.")
		}
		return account, nil
	}
	enterprise := d.Record["enterprise"]
	if d.Generation != deployment.GitOps || enterprise == "" {
		return cloud.StorageAccount{}, noStorage()
	}
	accounts, err := azure.StorageAccounts(ctx, d.SubscriptionID)
	if err != nil {
		return cloud.StorageAccount{}, ofAzure(ctx, err, "The storage accounts of the subscription could not be listed.")
	}
	for _, account := range accounts {
		for name, value := range account.Tags {
			if (strings.EqualFold(name, "ArcGISEnterpriseID") || strings.EqualFold(name, "ArcGISSiteID")) && strings.EqualFold(value, enterprise) {
				return account, nil
			}
		}
	}
	return cloud.StorageAccount{}, noStorage()
}

func noStorage() *Error {
	return &Error{Code: NoStorage, Sentence: "The deployment has no storage account that is known, from which the machine could fetch the program.",
		Mend: "Run Cartouche on a computer in the virtual network (--reach direct)."}
}

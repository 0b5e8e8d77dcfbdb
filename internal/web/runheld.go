package web

import (
	"context"
	"errors"
	"net/http"

	"github.com/cartouche-gis/cartouche/internal/app"
	"github.com/cartouche-gis/cartouche/internal/cloud"
	"github.com/cartouche-gis/cartouche/internal/lease"
	"github.com/cartouche-gis/cartouche/internal/web/pages"
)

// heldBy turns the error that another run works on a deployment into a page that
// says whose it is; any other error stays what it is.
func (s *Server) heldBy(ctx context.Context, gatewayID string, err error) error {
	notice := pages.Notice{Kind: "warning", Title: "Nothing was changed", Link: "/history", LinkText: "See the runs"}
	if held, ok := errors.AsType[*lease.HeldError](err); ok && !held.Unreadable {
		notice.Text = held.Holder() + " works on this deployment since " + pages.Moment(held.Since) + ", with run " + held.Run + " on that computer. Two runs at once could undo each other’s work."
		notice.Next = []string{"Wait for its end, then begin again. The claim ends by itself on " + pages.Moment(held.Until) + " unless that run renews it."}
		if path, known := s.pathOfGateway(gatewayID); known {
			notice.Next = append(notice.Next, "If that run is not at work any more, its claim can be broken.")
			notice.Link, notice.LinkText = path+"/claim", "Who works on it"
		}
		return &answer{http.StatusConflict, "Another run works on this deployment", notice}
	}
	if _, ok := errors.AsType[*app.LockedError](err); !ok {
		return err
	}
	notice.Text = "A run of yours works on this deployment at this moment."
	notice.Next = []string{"Wait for its end, then begin again."}
	if run, ok := s.options.App.RunAtWork(ctx, gatewayID); ok {
		notice.Text = "Run " + run.ID + ", begun " + pages.Moment(run.StartedAt)
		if run.By != "" {
			notice.Text += " by " + run.By
		}
		notice.Text += ", works on " + run.DeploymentName + " at this moment. Two runs at once could undo each other’s work."
		notice.Link, notice.LinkText = "/runs/"+run.ID, "Watch that run"
	}
	return &answer{http.StatusConflict, "Another run works on this deployment", notice}
}

// pathOfGateway is the page of the deployment with a gateway, as far as it was found.
func (s *Server) pathOfGateway(id string) (path string, known bool) {
	kept, _ := s.deployments.get()
	if kept == nil {
		return "", false
	}
	for _, l := range kept.list {
		if id != "" && cloud.SameID(l.GatewayID, id) {
			return "/deployments/" + l.path, true
		}
	}
	return "", false
}

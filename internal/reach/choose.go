package reach

import "fmt"

// Choice is a way with the reason for it.
type Choice struct {
	// Kind is "" when no way is open.
	Kind Kind
	// Why is a sentence for the plan.
	Why string
}

// Choose takes the way that is best by what is there: direct, when this
// computer can dial every machine that has a certificate; else agent, when all
// are virtual machines that are known and there is a storage account. dsc is
// never chosen by itself, because it restarts every machine.
//
// dialable is by place in machines; storage is the name of the deployment's
// storage account, "" when there is none.
func Choose(machines []Machine, dialable []bool, storage string) Choice {
	total, near, unknown := 0, 0, ""
	for i, m := range machines {
		if len(m.Components) == 0 {
			continue
		}
		total++
		if i < len(dialable) && dialable[i] {
			near++
		}
		if m.ID == "" && unknown == "" {
			unknown = m.Name
		}
	}
	switch {
	case total == 0:
		return Choice{Why: "The deployment has no machine with a certificate, so there is nothing to reach."}
	case near == total:
		return Choice{Kind: Direct, Why: fmt.Sprintf("direct: this computer can dial %s.", every(total))}
	case unknown == "" && storage != "":
		return Choice{Kind: Agent, Why: fmt.Sprintf("agent: %s, so a small program is run on each by Azure's Run Command, fetched from storage account %s, and removed afterwards.", far(near, total), storage)}
	case unknown != "" && near > 0:
		return Choice{Kind: Direct, Why: fmt.Sprintf("direct: %s, and %s is no virtual machine that is known, so Run Command cannot reach it.", far(near, total), unknown)}
	case unknown != "":
		return Choice{Why: fmt.Sprintf("No way is open: %s, and %s is no virtual machine that is known, so Run Command cannot reach it. Run Cartouche on a computer in the virtual network.", far(near, total), unknown)}
	}
	return Choice{Why: fmt.Sprintf("No way is open: %s, and the deployment has no storage account that is known, from which machines could fetch the program that Run Command would start. Run Cartouche on a computer in the virtual network.", far(near, total))}
}

func every(total int) string {
	if total == 1 {
		return "the machine"
	}
	return fmt.Sprintf("all %d machines", total)
}

func far(near, total int) string {
	switch {
	case near == 0 && total == 1:
		return "this computer cannot dial the machine"
	case near == 0:
		return fmt.Sprintf("this computer can dial none of the %d machines", total)
	}
	return fmt.Sprintf("this computer can dial only %d of the %d machines", near, total)
}

package cli_test

func withoutUmask() {}

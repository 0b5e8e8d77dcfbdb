package entra_test

import (
	"errors"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/cartouche-gis/cartouche/internal/sim/entra"
)

func startDevice(t *testing.T, s *entra.Server, in string) (code string, poll func() (int, map[string]any)) {
	t.Helper()
	status, got := ask(s, "/"+in+"/oauth2/v2.0/devicecode", url.Values{"client_id": {cli}, "scope": {people}})
	if status != 200 || !regexp.MustCompile(`^[A-Z0-9]{9}$`).MatchString(got["user_code"].(string)) || got["expires_in"] == nil || got["interval"] == nil ||
		!strings.Contains(got["message"].(string), got["user_code"].(string)) {
		t.Fatalf("%d %v", status, got)
	}
	return got["user_code"].(string), func() (int, map[string]any) {
		return ask(s, "/"+in+"/oauth2/v2.0/token", url.Values{"grant_type": {deviceOf}, "client_id": {cli}, "device_code": {got["device_code"].(string)}})
	}
}

const codePage = "https://login.microsoftonline.com/common/oauth2/deviceauth"

func TestADeviceWaitsForThePerson(t *testing.T) {
	s := withPeople(t)
	code, poll := startDevice(t, s, "organizations")
	if _, got := poll(); got["error"] != "authorization_pending" {
		t.Errorf("before: %v", got)
	}
	if _, got := poll(); got["error"] != "slow_down" {
		t.Errorf("at once again: %v", got)
	}
	if err := person(s, ada).EnterCode(t.Context(), codePage, "WRONGCODE"); err == nil || !strings.Contains(err.Error(), "didn’t work") {
		t.Errorf("another code: %v", err)
	}
	if err := person(s, ada).EnterCode(t.Context(), codePage, strings.ToLower(code[:4])+"-"+code[4:]); err != nil {
		t.Fatal(err)
	}
	status, got := poll()
	if status != 200 || claimsOf(t, got["access_token"])["upn"] != ada.User {
		t.Errorf("%d %v", status, got)
	}
	if _, got := poll(); got["error"] != "bad_verification_code" {
		t.Errorf("a second time: %v", got)
	}
}

func TestADeviceThatGetsNoAnswer(t *testing.T) {
	s := withPeople(t)
	code, poll := startDevice(t, s, tenant)
	b := person(s, ada)
	b.Decline = true
	if err := b.EnterCode(t.Context(), codePage, code); err != nil {
		t.Fatal(err)
	}
	if _, got := poll(); got["error"] != "authorization_declined" {
		t.Errorf("declined: %v", got)
	}
	late := withPeople(t, func(o *entra.Options) { o.DeviceLife, o.Guesses.NeverSlowDown = time.Nanosecond, true })
	code, poll = startDevice(t, late, tenant)
	if _, got := poll(); got["error"] != "expired_token" {
		t.Errorf("late: %v", got)
	}
	if err := person(late, ada).EnterCode(t.Context(), codePage, code); err == nil || !strings.Contains(err.Error(), "expired") {
		t.Errorf("the page, late: %v", err)
	}
}

func TestARefreshTokenIsGoodForEveryTenantOfThePerson(t *testing.T) {
	s := withPeople(t)
	signIn := func(p entra.Person) string {
		code, poll := startDevice(t, s, "common")
		if err := person(s, p).EnterCode(t.Context(), codePage, code); err != nil {
			t.Fatal(err)
		}
		_, got := poll()
		return got["refresh_token"].(string)
	}
	refresh := func(in, token string, change ...string) map[string]any {
		form := url.Values{"grant_type": {"refresh_token"}, "client_id": {cli}, "refresh_token": {token}, "scope": {people}}
		for i := 0; i+1 < len(change); i += 2 {
			form.Set(change[i], change[i+1])
		}
		_, got := ask(s, "/"+in+"/oauth2/v2.0/token", form)
		return got
	}
	token := signIn(ada)
	guest := refresh(other, token)
	claims := claimsOf(t, guest["access_token"])
	if claims["tid"] != other || claims["oid"] != "ada-as-guest" || claims["upn"] != nil || claims["idp"] == nil {
		t.Errorf("as a guest: %v", claims)
	}
	if guest["refresh_token"] == nil || guest["refresh_token"] == token {
		t.Error("the refresh token does not replace itself")
	}
	if vault := claimsOf(t, refresh(tenant, token, "scope", "https://vault.azure.net/.default")["access_token"]); vault["aud"] != "https://vault.azure.net" {
		t.Errorf("for another resource: %v", vault)
	}
	if got := refresh(tenant, token, "client_id", "1950a258-227b-4e31-a9cf-717495945fc2"); got["access_token"] == nil {
		t.Errorf("another client of the family: %v", got)
	}
	if got := refresh(other, signIn(bob)); number(got) != 50020 {
		t.Errorf("bob is no guest there: %v", got)
	}
	if got := refresh(tenant, token, "client_id", app, "client_secret", "secret"); number(got) != 700007 {
		t.Errorf("a stranger to the family: %v", got)
	}
	if got := refresh(tenant, "0.invented"); number(got) != 9002313 {
		t.Errorf("invented: %v", got)
	}
	access := refresh(tenant, token)["access_token"].(string)
	s.ExpireTokens(bob.ObjectID)
	if _, err := s.Verify(access, []string{audience}); err != nil {
		t.Errorf("bob's tokens ended, not ada's: %v", err)
	}
	s.ExpireTokens(ada.ObjectID)
	if _, err := s.Verify(access, []string{audience}); !errors.Is(err, entra.ErrExpired) {
		t.Errorf("a token that ended: %v", err)
	}
	if _, err := s.Verify(refresh(tenant, token)["access_token"].(string), []string{audience}); err != nil {
		t.Errorf("a new one: %v", err)
	}
	s.RevokeRefresh(ada)
	if got := refresh(tenant, token); number(got) != 50173 || got["error"] != "invalid_grant" {
		t.Errorf("revoked: %v", got)
	}
	again := signIn(ada)
	if got := refresh(tenant, again); got["access_token"] == nil {
		t.Errorf("after signing in again: %v", got)
	}
	s.LapseRefresh(ada)
	if got := refresh(tenant, again); number(got) != 700082 {
		t.Errorf("lapsed: %v", got)
	}
}

// What is begun and never finished must not fill the memory.
func TestUnfinishedSignInsAreBounded(t *testing.T) {
	s := withPeople(t)
	refused := 0
	for range 10_001 {
		if status, _ := ask(s, "/"+tenant+"/oauth2/v2.0/devicecode", url.Values{"client_id": {cli}, "scope": {people}}); status != 200 {
			refused++
		}
	}
	if refused != 1 {
		t.Errorf("%d of 10,001 were refused, want the last", refused)
	}
}

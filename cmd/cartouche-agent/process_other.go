//go:build !linux && !windows

package main

// ArcGIS Enterprise runs on Linux and Windows.

func endWithParent(func()) {}

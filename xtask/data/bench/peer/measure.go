package main

import (
	"context"
	"encoding/json"
	"fmt"
	"net"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"time"
)

// measurement is what one process cost. CPU time is user and system time.
type measurement struct {
	WallSeconds float64 `json:"wall_seconds"`
	CPUSeconds  float64 `json:"cpu_seconds"`
	PeakKiB     int64   `json:"peak_kib"`
}

// measure prints a measurement; what the command prints goes to standard error.
func measure(_ context.Context, words []string) error {
	command := exec.Command(words[0], words[1:]...)
	command.Stdout, command.Stderr = os.Stderr, os.Stderr
	started := time.Now()
	if err := command.Run(); err != nil {
		return err
	}
	result := measurement{WallSeconds: time.Since(started).Seconds()}
	state := command.ProcessState
	result.CPUSeconds = (state.UserTime() + state.SystemTime()).Seconds()
	usage, known := state.SysUsage().(*syscall.Rusage)
	if !known {
		return fmt.Errorf("no resource usage of a process on this system")
	}
	result.PeakKiB = usage.Maxrss
	return json.NewEncoder(os.Stdout).Encode(result)
}

// first prints the seconds from the start of a process to the first byte that it sends. The server answers nothing, and
// the process is ended.
func first(_ context.Context, words []string) error {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	defer listener.Close()
	port := listener.Addr().(*net.TCPAddr).Port
	for i := range words {
		words[i] = strings.ReplaceAll(words[i], "HOST", fmt.Sprintf("localhost:%d", port))
	}
	command := exec.Command(words[0], words[1:]...)
	started := time.Now()
	if err := command.Start(); err != nil {
		return err
	}
	defer command.Wait()
	defer command.Process.Kill()
	connection, err := listener.Accept()
	if err != nil {
		return err
	}
	defer connection.Close()
	if _, err := connection.Read(make([]byte, 1)); err != nil {
		return err
	}
	fmt.Println(time.Since(started).Seconds())
	return nil
}

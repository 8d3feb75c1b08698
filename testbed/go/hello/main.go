// Command hello prints one line: what the package hello-wolfi installs as /usr/bin/hello.
package main

import "fmt"

func main() {
	fmt.Println("Hello, world!")
}

// Command hello prints one line.
package main

import "fmt"

func main() {
	fmt.Println("Hello from ko")
}

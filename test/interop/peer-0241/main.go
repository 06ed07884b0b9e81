// Asynq v0.24.1 on command.
package main

import "anyversion"

func main() { anyversion.Main() }

// Asynq v0.25.1 on command.
package main

import "anyversion"

func main() { anyversion.Main() }

// Asynq v0.25.0 on command.
package main

import "anyversion"

func main() { anyversion.Main() }

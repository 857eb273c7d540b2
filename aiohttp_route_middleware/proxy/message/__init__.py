"""What a proxy does to the messages that it passes on: fields, paths, cookies; nothing here waits or sends."""

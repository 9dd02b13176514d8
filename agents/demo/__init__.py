"""The demo: real agents on this machine walk the main job, and real cheats fail at it."""

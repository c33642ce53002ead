"""Systems: functions of plug-ins that change a world's steps, composed into the world itself."""

"""The gRPC services that units' services and 纪委's offer alike."""

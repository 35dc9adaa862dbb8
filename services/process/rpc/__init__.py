"""gRPC services that units and 纪委 offer alike, over whatever answers them."""

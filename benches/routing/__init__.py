"""Real servers behind a real load balancer, and requests at a steady pace."""

"""The peers, each as a user of it would write it who has read its documentation. Each runs in its own environment."""

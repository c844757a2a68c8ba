"""What engines share to speak to a server and to run one."""

from starvid_core.cli.app import main

main()

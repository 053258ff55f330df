from warnsys.cli.main import main

main()

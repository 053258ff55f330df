from warnsys.cli import main

main()

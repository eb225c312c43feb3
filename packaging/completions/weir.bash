# Written by "go test ./cmd/weir -run TestCompletions -update" from the help.
_weir() {
    local cur=${COMP_WORDS[COMP_CWORD]}
    case ${COMP_WORDS[COMP_CWORD - 1]} in
    -s)
        mapfile -t COMPREPLY < <(compgen -W 'stop quit reopen reload' -- "$cur")
        return ;;
    -p)
        compopt -o filenames
        mapfile -t COMPREPLY < <(compgen -d -- "$cur")
        return ;;
    -e)
        compopt -o filenames
        mapfile -t COMPREPLY < <(compgen -f -- "$cur")
        return ;;
    -c)
        compopt -o filenames
        mapfile -t COMPREPLY < <(compgen -f -- "$cur")
        return ;;
    -g)
        COMPREPLY=()
        return ;;
    -l)
        COMPREPLY=()
        return ;;
    esac
    mapfile -t COMPREPLY < <(compgen -W '-? -h -v -V -t -T -q -s -p -e -c -g -l -watch --wait -hints' -- "$cur")
}
complete -F _weir weir

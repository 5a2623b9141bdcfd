import Model
import Vocabulary

extension Grammar {
    /// The lines of a profile.
    static let profileForms: [Form<InitProfile>] = [
        Form(
            "command COMMAND",
            "The command line of PID 1; a program with a relative path counts from the profile's file. `{command}` stands for its child's command, `{services}` for what "
                + "`service-arguments` makes of each service.",
            once: true, example: ""
        ) { $0.command = $1.texts(0) },
        Form(
            "service-arguments COMMAND",
            "What stands for one service in place of `{services}`: `{name}`, `{after}` (comma-separated) and `{command}`.",
            once: true, example: ""
        ) { $0.serviceArguments = $1.texts(0) },
        Form("package WORD", "The package that has it, as Debian and Ubuntu call it.", once: true, example: "") {
            $0.package = $1.text(0)
        },
        Form("version COMMAND", "A command line that prints its version.", once: true, example: "") {
            $0.version = $1.texts(0)
        },
        Form("abilities ABILITIES", "What it can do.", example: "") {
            $0.abilities.formUnion($1.texts(0).compactMap(Ability.init(rawValue:)))
        },
        Form("stop signal SIGNAL", "The signal that asks it to end.", otherwise: "SIGTERM", once: true, example: "") {
            $0.stopSignal = $1.signal(0)
        },
        Form("env ASSIGNMENT", "A variable that it needs.", example: "") { $0.environment.append($1.text(0) ?? "") },
        Form("tmpfs PATHS", "File systems in memory that it needs.", example: "") { $0.tmpfs += $1.texts(0) },
    ]
}

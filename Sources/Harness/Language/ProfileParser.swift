import Model
import Vocabulary

/// Reads a file of init profiles.
public func parseProfiles(_ bytes: [UInt8], file: String) -> Parsed<InitProfile> {
    var lexer = Lexer(file: file)
    let lines = lexer.lines(of: bytes)
    var profiles: [InitProfile] = []
    var diagnostics = lexer.diagnostics
    for line in lines {
        do {
            profiles.append(try profile(line, file: file, &diagnostics))
        } catch {
            diagnostics.append(error)
        }
    }
    return Parsed(values: profiles, diagnostics: diagnostics)
}

private func profile(
    _ line: Line, file: String, _ diagnostics: inout [Diagnostic]
) throws(Diagnostic) -> InitProfile {
    var reader = LineReader(line, file: file)
    let word = try reader.token("'init'")
    guard word.text == "init" else { throw reader.unknown(word, among: ["init"], as: "'init'") }
    var profile = InitProfile(name: try reader.token("a name").text, place: reader.place)
    profile.summary = line.comment
    if profile.name == "none" || profile.name == "all" {
        throw reader.bad(line.tokens[1], "an init's name: the word has a meaning of its own")
    }
    try reader.requireEnd()
    let complaints = diagnostics.count
    for inner in line.block {
        do {
            try profileLine(inner, file: file, into: &profile)
        } catch {
            diagnostics.append(error)
        }
    }
    if profile.command.isEmpty && diagnostics.count == complaints {
        throw Diagnostic(.missing, "the 'command' of '\(profile.name)' is missing", at: profile.place)
    }
    return profile
}

private func profileLine(_ line: Line, file: String, into profile: inout InitProfile) throws(Diagnostic) {
    var reader = LineReader(line, file: file)
    try reader.requireNoBlock()
    let word = try reader.token("a word")
    switch word.text {
    case "command":
        if !profile.command.isEmpty {
            throw Diagnostic(
                .duplicate, "'command' stands here for the second time", at: reader.place(of: word), length: word.length
            )
        }
        profile.command = try reader.rest("a command line")
    case "service-arguments": profile.serviceArguments = try reader.rest("arguments")
    case "package": profile.package = try reader.token("a package").text
    case "version": profile.version = try reader.rest("a command line")
    case "abilities":
        for token in try reader.list("an ability") {
            guard let ability = Ability(rawValue: token.text) else {
                throw reader.unknown(token, among: Ability.allCases.map(\.rawValue), as: "an ability of an init")
            }
            profile.abilities.insert(ability)
        }
    case "stop":
        try reader.require("signal")
        profile.stopSignal = try reader.signal()
    case "env":
        let token = try reader.token("NAME=value")
        guard token.text.dropFirst().contains("=") else { throw reader.bad(token, "of the form NAME=value") }
        profile.environment.append(token.text)
    case "tmpfs":
        for token in try reader.list("a path") {
            guard token.isAbsolutePath else { throw reader.bad(token, "an absolute path without '..'") }
            profile.tmpfs.append(token.text)
        }
    default: throw reader.unknown(word, among: Words.profile, as: "a word of a profile")
    }
    try reader.requireEnd()
}

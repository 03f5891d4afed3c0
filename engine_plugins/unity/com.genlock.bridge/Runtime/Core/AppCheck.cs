using System;
using System.Collections.Generic;
using System.Globalization;
using System.Linq;
using System.Text.RegularExpressions;

namespace Genlock
{
    /// <summary>Finds what a daemon would refuse in an app's declaration, before it is sent.</summary>
    public static class AppCheck
    {
        private const int MostActions = 256;
        private const int MostObjects = 64;
        private const int MostExamples = 16;
        private const int LongestName = 128;
        private const int LongestPhrase = 200;
        private const int MostArguments = 16;
        private const int LongestValue = 64;

        private static readonly Regex Placeholder = new Regex(@"\{([^{}]*)\}");
        private static readonly Regex Word = new Regex(@"\w+");
        private static readonly Regex ArgumentName = new Regex(@"^[A-Za-z_][A-Za-z0-9_]*$");

        /// <summary>What is wrong, a sentence each; empty: nothing.</summary>
        public static IList<string> Mistakes(AppInfo app)
        {
            var mistakes = new List<string>();
            var names = new HashSet<string>();
            var gestures = new Dictionary<string, string>();
            var sights = new Dictionary<string, string>(StringComparer.OrdinalIgnoreCase);
            var phrases = new Dictionary<string, string>();
            if (app.Actions.Count > MostActions)
            {
                mistakes.Add(app.Actions.Count + " actions; an app may have " + MostActions + ".");
            }
            foreach (var action in app.Actions)
            {
                CheckName(action, names, mistakes);
                CheckOwned(action, action.Gestures, "gesture", gestures, mistakes);
                CheckOwned(action, action.Sees, "sight", sights, mistakes);
                var known = CheckArguments(action, mistakes);
                foreach (var phrase in action.Phrases)
                {
                    CheckPhrase(action, phrase, known, mistakes);
                    CheckMeaning(action, phrase, phrases, mistakes);
                }
            }
            CheckObjects(app, mistakes);
            return mistakes;
        }

        private static void CheckName(ActionInfo action, HashSet<string> names, List<string> mistakes)
        {
            if (action.Name.Length < 1 || action.Name.Length > LongestName)
            {
                mistakes.Add("An action has no name, or one of more than " + LongestName + " characters.");
            }
            else if (!names.Add(action.Name))
            {
                mistakes.Add("\"" + action.Name + "\" is there twice; each action has a name of its own.");
            }
            if (action.Phrases.Count == 0 && action.Gestures.Count == 0 && action.Sees.Count == 0)
            {
                mistakes.Add("\"" + action.Name + "\" needs at least one phrase, gesture or sight that means it.");
            }
        }

        /// <summary>A gesture or a sight means one action.</summary>
        private static void CheckOwned(
            ActionInfo action, IList<string> words, string kind, Dictionary<string, string> owners, List<string> mistakes)
        {
            foreach (var word in words)
            {
                string other;
                if (owners.TryGetValue(word, out other))
                {
                    mistakes.Add("\"" + word + "\" means \"" + other + "\" already; a " + kind + " means one action.");
                }
                owners[word] = action.Name;
            }
        }

        /// <summary>A phrase means one action, also where case and marks differ.</summary>
        private static void CheckMeaning(
            ActionInfo action, string phrase, Dictionary<string, string> owners, List<string> mistakes)
        {
            var words = string.Join(" ", Word.Matches(phrase.ToLowerInvariant()).Cast<Match>().Select(word => word.Value).ToArray());
            string other;
            if (!owners.TryGetValue(words, out other))
            {
                owners.Add(words, action.Name);
            }
            else if (other != action.Name)
            {
                mistakes.Add("\"" + phrase + "\" means \"" + other + "\" already; a phrase means one action.");
            }
        }

        private static void CheckObjects(AppInfo app, List<string> mistakes)
        {
            var names = new HashSet<string>(StringComparer.OrdinalIgnoreCase);
            if (app.Objects.Count > MostObjects)
            {
                mistakes.Add(app.Objects.Count + " objects; an app may have " + MostObjects + ".");
            }
            var bytes = 0;
            foreach (var thing in app.Objects)
            {
                foreach (var example in thing.Examples)
                {
                    bytes += example.Length;
                }
                if (thing.Name.Length < 1 || thing.Name.Length > LongestName)
                {
                    mistakes.Add("An object has no name, or one of more than " + LongestName + " characters.");
                }
                else if (!names.Add(thing.Name))
                {
                    mistakes.Add("The object \"" + thing.Name + "\" is there twice; each has a name of its own.");
                }
                if (thing.Examples.Count < 1 || thing.Examples.Count > MostExamples)
                {
                    mistakes.Add("The object \"" + thing.Name + "\" needs 1 to " + MostExamples + " pictures.");
                }
            }
            if (bytes > Protocol.MaxMessageBytes)
            {
                mistakes.Add(
                    "The objects' pictures have " + bytes + " bytes; all that an app declares has " + Protocol.MaxMessageBytes
                    + ". Make them smaller, or teach them.");
            }
        }

        private static HashSet<string> CheckArguments(ActionInfo action, List<string> mistakes)
        {
            var known = new HashSet<string>();
            if (action.Target != TargetUse.None)
            {
                known.Add("target");
            }
            if (action.Arguments.Count > MostArguments)
            {
                mistakes.Add("\"" + action.Name + "\" has " + action.Arguments.Count + " arguments; it may have " + MostArguments + ".");
            }
            foreach (var argument in action.Arguments)
            {
                var of = "The argument \"" + argument.Name + "\" of \"" + action.Name + "\"";
                if (!ArgumentName.IsMatch(argument.Name))
                {
                    mistakes.Add(of + " may have letters, digits and _ in its name.");
                }
                else if (argument.Name == "target" || !known.Add(argument.Name))
                {
                    mistakes.Add(of + " needs another name: that one is taken.");
                }
                if (argument.Kind == ArgumentKind.Choice && argument.Values.Count == 0)
                {
                    mistakes.Add(of + " is a choice and needs values.");
                }
                CheckValues(argument, of, mistakes);
                if (argument.Minimum > argument.Maximum)
                {
                    mistakes.Add(of + " has a minimum above its maximum.");
                }
                CheckDefault(argument, of, mistakes);
            }
            return known;
        }

        private static void CheckValues(ArgumentInfo argument, string of, List<string> mistakes)
        {
            if (argument.Kind != ArgumentKind.Choice && argument.Values.Count > 0)
            {
                mistakes.Add(of + " has values; only a choice has them.");
            }
            foreach (var value in argument.Values)
            {
                CheckValue(value, of, mistakes);
            }
            foreach (var synonyms in argument.Synonyms)
            {
                if (!argument.Values.Contains(synonyms.Key))
                {
                    mistakes.Add(of + " has other words for \"" + synonyms.Key + "\", which is none of its values.");
                }
                foreach (var word in synonyms.Value)
                {
                    CheckValue(word, of, mistakes);
                }
            }
        }

        private static void CheckValue(string value, string of, List<string> mistakes)
        {
            if (value.Length < 1 || value.Length > LongestValue)
            {
                mistakes.Add(of + " has a value, or another word for one, that is empty or has more than " + LongestValue + " characters.");
            }
        }

        private static void CheckDefault(ArgumentInfo argument, string of, List<string> mistakes)
        {
            var hasText = !string.IsNullOrEmpty(argument.DefaultText);
            if (argument.Required && (hasText || argument.DefaultNumber.HasValue))
            {
                mistakes.Add(of + " is required and has a default; what is required is waited for. Leave out one of the two.");
            }
            if (argument.Kind != ArgumentKind.Number)
            {
                if (argument.DefaultNumber.HasValue)
                {
                    mistakes.Add(of + " has a number as its default; only a number has one.");
                }
                else if (hasText && argument.Kind == ArgumentKind.Choice && !argument.Values.Contains(argument.DefaultText))
                {
                    mistakes.Add(of + " has the default \"" + argument.DefaultText + "\", which is none of its values.");
                }
                return;
            }
            var number = argument.DefaultNumber.GetValueOrDefault();
            // NaN compares false with everything.
            var isBetween = number >= argument.Minimum && number <= argument.Maximum;
            if (argument.DefaultNumber.HasValue ? !isBetween : hasText)
            {
                mistakes.Add(
                    of + " has a default that is no number from its minimum to its maximum: "
                    + (argument.DefaultNumber.HasValue ? number.ToString(CultureInfo.InvariantCulture) : argument.DefaultText) + ".");
            }
        }

        private static void CheckPhrase(ActionInfo action, string phrase, HashSet<string> known, List<string> mistakes)
        {
            var of = "The phrase \"" + phrase + "\" of \"" + action.Name + "\"";
            if (phrase.Length > LongestPhrase || !Regex.IsMatch(phrase, @"\w"))
            {
                mistakes.Add(of + " must have words, and at most " + LongestPhrase + " characters.");
            }
            foreach (Match match in Placeholder.Matches(phrase))
            {
                var name = match.Groups[1].Value;
                if (!known.Contains(name))
                {
                    mistakes.Add(
                        name == "target"
                            ? of + " names a target; set Target to Optional or Required."
                            : of + " has {" + name + "}, which is no argument of it.");
                }
            }
            if (Regex.IsMatch(Placeholder.Replace(phrase, ""), "[{}]"))
            {
                mistakes.Add(of + " has a brace without its partner.");
            }
        }
    }
}

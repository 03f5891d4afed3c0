using System;
using System.Collections.Generic;
using System.Globalization;
using System.Text;

namespace Genlock.Tests
{
    /// <summary>Reads the JSON of the test vectors: maps, lists, strings, long, double, bool and null.</summary>
    internal sealed class Json
    {
        private readonly string _text;
        private int _at;

        private Json(string text)
        {
            _text = text;
        }

        internal static object Parse(string text)
        {
            var json = new Json(text);
            var value = json.Value();
            json.Blank();
            if (json._at != text.Length)
            {
                throw new FormatException("text after the end, at " + json._at);
            }
            return value;
        }

        private object Value()
        {
            Blank();
            switch (_text[_at])
            {
                case '{':
                    return Map();
                case '[':
                    return List();
                case '"':
                    return Text();
                case 't':
                    return Word("true", true);
                case 'f':
                    return Word("false", false);
                case 'n':
                    return Word("null", null);
                default:
                    return Number();
            }
        }

        private Dictionary<string, object> Map()
        {
            var map = new Dictionary<string, object>();
            _at++;
            while (!Ends('}'))
            {
                var key = Text();
                Expect(':');
                map[key] = Value();
            }
            return map;
        }

        private List<object> List()
        {
            var list = new List<object>();
            _at++;
            while (!Ends(']'))
            {
                list.Add(Value());
            }
            return list;
        }

        private bool Ends(char end)
        {
            Blank();
            if (_text[_at] == ',')
            {
                _at++;
                Blank();
            }
            if (_text[_at] != end)
            {
                return false;
            }
            _at++;
            return true;
        }

        private string Text()
        {
            var text = new StringBuilder();
            Expect('"');
            while (_text[_at] != '"')
            {
                var letter = _text[_at++];
                if (letter != '\\')
                {
                    text.Append(letter);
                    continue;
                }
                letter = _text[_at++];
                if (letter == 'u')
                {
                    text.Append((char)int.Parse(_text.Substring(_at, 4), NumberStyles.HexNumber));
                    _at += 4;
                }
                else
                {
                    var escaped = "nrtbf".IndexOf(letter);
                    text.Append(escaped < 0 ? letter : "\n\r\t\b\f"[escaped]);
                }
            }
            _at++;
            return text.ToString();
        }

        private object Number()
        {
            var from = _at;
            while (_at < _text.Length && "+-.0123456789eE".IndexOf(_text[_at]) >= 0)
            {
                _at++;
            }
            var digits = _text.Substring(from, _at - from);
            long whole;
            if (long.TryParse(digits, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out whole))
            {
                return whole;
            }
            return double.Parse(digits, CultureInfo.InvariantCulture);
        }

        private object Word(string word, object value)
        {
            foreach (var letter in word)
            {
                Expect(letter);
            }
            return value;
        }

        private void Expect(char letter)
        {
            Blank();
            if (_text[_at] != letter)
            {
                throw new FormatException(letter + " was expected at " + _at);
            }
            _at++;
        }

        private void Blank()
        {
            while (_at < _text.Length && char.IsWhiteSpace(_text[_at]))
            {
                _at++;
            }
        }
    }
}

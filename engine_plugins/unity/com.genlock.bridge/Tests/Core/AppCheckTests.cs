using System;
using System.Collections.Generic;
using System.Linq;
using NUnit.Framework;

namespace Genlock.Tests
{
    /// <summary>What a daemon would refuse in an app is found before it is sent.</summary>
    public sealed class AppCheckTests
    {
        [Test]
        public void WhatADaemonTakesHasNoMistakes()
        {
            Assert.IsEmpty(AppCheck.Mistakes(With(argument => { })));
            Assert.IsEmpty(AppCheck.Mistakes(With(argument => argument.DefaultText = "blue")));
            Assert.IsEmpty(AppCheck.Mistakes(With(argument => argument.Synonyms["red"] = new[] { "crimson" })));
            Assert.IsEmpty(AppCheck.Mistakes(With(Number, argument => argument.DefaultNumber = 10.0)));
            Assert.IsEmpty(AppCheck.Mistakes(With(Number)));
            Assert.IsEmpty(AppCheck.Mistakes(With(Text, argument => argument.DefaultText = "anything")));
        }

        [Test]
        public void EachMistakeOfAnArgumentIsTold()
        {
            Single("\"green\", which is none", argument => argument.DefaultText = "green");
            Single("\"green\", which is none", argument => argument.Synonyms["green"] = new[] { "lime" });
            Single("only a number has one", argument => argument.DefaultNumber = 1.0);
            Single("needs values", argument => argument.Values.Clear());
            Single("empty", argument => argument.Values.Add(""));
            Single("64 characters", argument => argument.Synonyms["red"] = new[] { new string('x', 65) });
            Single("only a choice", argument => argument.Kind = ArgumentKind.Text);
            Single("no number from its minimum", Number, argument => argument.DefaultText = "some");
            Single("no number from its minimum", Number, argument => argument.DefaultNumber = 11.0);
            Single("no number from its minimum", Number, argument => argument.DefaultNumber = double.NaN);
            Single("minimum above", Number, argument => argument.Minimum = 11.0);
        }

        [Test]
        public void WhatIsRequiredHasNoDefault()
        {
            Single("Leave out one", argument => { argument.Required = true; argument.DefaultText = "blue"; });
            Single("Leave out one", Number, argument => { argument.Required = true; argument.DefaultNumber = 1.0; });
        }

        [Test]
        public void APhraseMeansOneAction()
        {
            var app = new AppInfo { Name = "test" };
            app.Actions.Add(new ActionInfo { Name = "stop", Phrases = new[] { "That's it!", "stop", "Stop." } });
            app.Actions.Add(new ActionInfo { Name = "start", Phrases = new[] { "start", "that s it" } });
            StringAssert.Contains("\"that s it\" means \"stop\" already", AppCheck.Mistakes(app).Single());
        }

        [Test]
        public void AnActionHasUpToSixteenArguments()
        {
            var app = With(argument => { });
            for (var i = 0; i < 16; i++)
            {
                app.Actions[0].Arguments.Add(new ArgumentInfo { Name = "more_" + i, Kind = ArgumentKind.Text });
            }
            StringAssert.Contains("17 arguments", AppCheck.Mistakes(app).Single());
        }

        private static void Number(ArgumentInfo argument)
        {
            argument.Kind = ArgumentKind.Number;
            argument.Values.Clear();
            argument.Minimum = 0.0;
            argument.Maximum = 10.0;
        }

        private static void Text(ArgumentInfo argument)
        {
            argument.Kind = ArgumentKind.Text;
            argument.Values.Clear();
        }

        private static AppInfo With(params Action<ArgumentInfo>[] changes)
        {
            var argument = new ArgumentInfo { Name = "colour", Values = new List<string> { "red", "blue" } };
            foreach (var change in changes)
            {
                change(argument);
            }
            var paint = new ActionInfo { Name = "paint" };
            paint.Phrases.Add("paint it {colour}");
            paint.Arguments.Add(argument);
            var app = new AppInfo { Name = "test" };
            app.Actions.Add(paint);
            return app;
        }

        private static void Single(string words, params Action<ArgumentInfo>[] changes)
        {
            StringAssert.Contains(words, AppCheck.Mistakes(With(changes)).Single());
        }
    }
}

using System.Collections.Generic;
using UnityEditor;
using UnityEngine;

namespace Genlock.Editor
{
    /// <summary>Window, Genlock: the connection, its traffic and round trip, the last things that were said, and a line to say something.</summary>
    internal sealed class GenlockWindow : EditorWindow
    {
        private const int Kept = 200;

        private readonly Queue<string> _lines = new Queue<string>();
        private readonly ProjectProblems _problems = new ProjectProblems();
        private GenlockClient _client;
        private Vector2 _scroll;
        private string _text = "";

        [MenuItem("Window/Genlock")]
        internal static void Open()
        {
            GetWindow<GenlockWindow>("Genlock");
        }

        private void OnDisable()
        {
            Follow(null);
        }

        private void OnInspectorUpdate()
        {
            Repaint();
        }

        private void OnGUI()
        {
            Follow(GenlockClient.Find());
            if (_client == null)
            {
                EditorGUILayout.HelpBox("There is no GenlockClient in the open scenes.", MessageType.Info);
                return;
            }
            if (!EditorApplication.isPlaying)
            {
                foreach (var problem in _problems.Of(_client))
                {
                    EditorGUILayout.HelpBox(problem, MessageType.Warning);
                }
                EditorGUILayout.LabelField("Address", _client.Url);
                EditorGUILayout.HelpBox("Play to connect.", MessageType.Info);
                return;
            }
            LiveState.Draw(_client);
            DrawSay();
            _scroll = EditorGUILayout.BeginScrollView(_scroll);
            foreach (var line in _lines)
            {
                EditorGUILayout.LabelField(line);
            }
            EditorGUILayout.EndScrollView();
        }

        private void DrawSay()
        {
            _text = EditorGUILayout.TextField("Say", _text);
            if (GUILayout.Button("Say it") && _text.Length > 0 && _client.Session != null)
            {
                Say(_text);
                _text = "";
            }
        }

        private async void Say(string text)
        {
            Add("> " + text);
            try
            {
                var understood = await _client.SayAsync(text);
                if (understood.Actions.Count == 0 && understood.Notices.Count == 0)
                {
                    Add("nothing came of it");
                }
            }
            catch (GenlockException problem)
            {
                Add(problem.Code + ": " + problem.Message);
            }
        }

        private void Follow(GenlockClient client)
        {
            if (client == _client)
            {
                return;
            }
            if (_client != null)
            {
                _client.ActionReceived -= TakeAction;
                _client.NoticeReceived -= TakeNotice;
                _client.ErrorReceived -= TakeError;
                _client.Disconnected -= TakeClosing;
            }
            _client = client;
            if (_client != null)
            {
                _client.ActionReceived += TakeAction;
                _client.NoticeReceived += TakeNotice;
                _client.ErrorReceived += TakeError;
                _client.Disconnected += TakeClosing;
            }
        }

        private void TakeAction(GenlockAction action)
        {
            Add(action.Phase + " " + action.Name + " " + action.Target + " " + action.Confidence.ToString("0.00"));
        }

        private void TakeNotice(Notice notice)
        {
            Add(notice.Code + ": " + notice.Message);
        }

        private void TakeError(DaemonError error)
        {
            Add(error.Code + ": " + error.Message);
        }

        private void TakeClosing(Closing closing)
        {
            Add("closed " + closing.Code + ": " + closing.Reason + ". " + closing.Advice);
        }

        private void Add(string line)
        {
            _lines.Enqueue(line);
            if (_lines.Count > Kept)
            {
                _lines.Dequeue();
            }
        }
    }
}
